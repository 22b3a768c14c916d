//go:build !unix

package zkstate_test

// sleeper needs signals.
func sleeper(string) {}
