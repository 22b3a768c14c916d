package wire

// Xids of what is not a numbered request.
const (
	XidEvent int32 = -1
	XidPing  int32 = -2
	XidAuth  int32 = -4
)

// RequestHeader begins each frame of a client but the first.
type RequestHeader struct {
	Xid    int32
	Opcode Opcode
}

// Append appends the record.
func (h RequestHeader) Append(b []byte) []byte {
	return AppendInt(AppendInt(b, h.Xid), int32(h.Opcode))
}

// Decode reads the record.
func (h *RequestHeader) Decode(d *Decoder) {
	h.Xid = d.Int()
	h.Opcode = Opcode(d.Int())
}

// ReplyHeaderSize is the length of a ReplyHeader.
const ReplyHeaderSize = 16

// ReplyHeader begins each frame of a server but the first.
type ReplyHeader struct {
	Xid  int32
	Zxid int64
	Err  int32
}

// Append appends the record.
func (h ReplyHeader) Append(b []byte) []byte {
	return AppendInt(AppendLong(AppendInt(b, h.Xid), h.Zxid), h.Err)
}

// Decode reads the record.
func (h *ReplyHeader) Decode(d *Decoder) {
	h.Xid = d.Int()
	h.Zxid = d.Long()
	h.Err = d.Int()
}

// ConnectRequest is a client's first frame.
type ConnectRequest struct {
	LastZxid  int64 // a server that has not got so far hangs up
	TimeoutMS int32
	SessionID int64 // 0 for a new session
	Password  []byte
}

// Append appends the record.
func (r ConnectRequest) Append(b []byte) []byte {
	b = AppendInt(b, 0) // protocol version
	b = AppendLong(b, r.LastZxid)
	b = AppendInt(b, r.TimeoutMS)
	b = AppendLong(b, r.SessionID)
	b = AppendBuffer(b, r.Password)
	return AppendBool(b, false) // a read-only server hangs up
}

// Decode reads the record.
func (r *ConnectRequest) Decode(d *Decoder) {
	d.Int()
	r.LastZxid = d.Long()
	r.TimeoutMS = d.Int()
	r.SessionID = d.Long()
	r.Password = d.Buffer()
}

// ConnectResponse is a server's first frame.
type ConnectResponse struct {
	TimeoutMS int32
	SessionID int64 // 0 if the session that was asked for has expired
	Password  []byte
}

// Append appends the record.
func (r ConnectResponse) Append(b []byte) []byte {
	b = AppendInt(b, 0) // protocol version
	b = AppendInt(b, r.TimeoutMS)
	b = AppendLong(b, r.SessionID)
	b = AppendBuffer(b, r.Password)
	return AppendBool(b, false) // not read-only
}

// Decode reads the record. The password shares the frame's memory.
func (r *ConnectResponse) Decode(d *Decoder) {
	d.Int()
	r.TimeoutMS = d.Int()
	r.SessionID = d.Long()
	r.Password = d.Buffer()
}
