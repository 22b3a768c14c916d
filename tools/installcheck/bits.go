package main

import (
	"context"
	"fmt"
	"runtime"
)

// thirtyTwoBits vets everything for a machine of 32 bits, and runs the tests that need
// no ZooKeeper of the diff, the State, and the stores on one machine.
func (c *checker) thirtyTwoBits(ctx context.Context) error {
	env := []string{"GOARCH=386", "CGO_ENABLED=0"}
	if _, err := output(ctx, c.root, env, "go", "vet", "./..."); err != nil {
		return err
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		fmt.Println("    this machine does not run programs of 32 bits: vet only")
		return nil
	}
	out, err := output(ctx, c.root, append(env, "ZKSTATE_REQUIRE_ZOOKEEPER="), "go", "test", "-short", "-timeout", "5m",
		".", "./diff", "./store", "./store/memstore", "./store/sqlitestore")
	if err == nil {
		fmt.Println(out)
	}
	return err
}
