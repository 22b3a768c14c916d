package zk

import "context"

// Client keeps a connection and a session. All methods are safe for concurrent use.
type Client struct{}

// Connect begins to connect and returns at once. The error is about cfg only. The caller ends the client with Close.
func Connect(cfg Config) (*Client, error) { panic("not built yet") }

// Session returns the session, and waits until there is one that was established and not lost. It does not wait
// for the connection of a session that was established: its calls do. The error says of each server
// why it could not be used, and matches ErrUnreachable and ctx's error, or ErrClosed.
func (c *Client) Session(ctx context.Context) (*Session, error) { panic("not built yet") }

// Err returns why the client is not connected, or nil if it is.
func (c *Client) Err() error { panic("not built yet") }

// Close ends the session, if a server can be reached, and returns within two seconds with no goroutine left.
// Requests that were not sent fail with ErrClosed; those that were sent may still succeed. It causes no event.
func (c *Client) Close() { panic("not built yet") }
