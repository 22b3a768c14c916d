// Package zk is a ZooKeeper client.
//
// [Connect] gives a [Client], which keeps one connection to one of the servers and one session, and begins
// another session when a server says that the old one has expired. A [Session] is a value: a request belongs to
// the session on which it was made, and is never sent in another one.
//
//	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{"zk1:2181", "zk2:2181"}})
//	...
//	defer client.Close()
//	session, err := client.Session(ctx)
//	...
//	reply, err := session.Call(ctx, zk.Get{Path: "/config", Watch: true})
//
// Requests are values too, and [Session.Do] sends several of them back to back, which costs one round trip.
//
// Every error of a request is an [*Error] and says what became of the request: it was not sent, the server refused
// it, or its outcome is unknown.
//
// Watches belong to a connection. The client never sets them again: [Config.OnEvent] tells of each new
// connection, in the order of the wire, and callers that had watches have to look again.
package zk
