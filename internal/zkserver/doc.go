// Package zkserver starts real ZooKeeper servers, for tests and benchmarks.
//
// [Standalone] and [Ensemble] serve tests; [Start] and [StartEnsemble] serve
// everything else. Servers listen on loopback only, end with the process that
// started them (on Linux, however it ends), and are signalled by process id.
//
// Of the methods that change a server's process (Pause, Resume, Kill, Launch,
// Restart, Stop, Close) one may run at a time; all others are safe at any time.
package zkserver
