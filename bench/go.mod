module github.com/zkstate/zkstate/bench

go 1.26.0

replace github.com/zkstate/zkstate => ../

require (
	github.com/r3labs/diff/v3 v3.0.2
	github.com/wI2L/jsondiff v0.7.1
	github.com/zkstate/zkstate v0.0.0-00010101000000-000000000000
)

require (
	github.com/tidwall/gjson v1.18.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
)
