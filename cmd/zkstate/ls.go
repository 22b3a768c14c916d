package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newLs() *cobra.Command {
	var recursive bool
	cmd := c.command("ls [PATH]", "List the documents below a path", cobra.MaximumNArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			path := append(args, "/")[0]
			if len(path) > 1 {
				path = strings.TrimSuffix(path, "/") // as shells complete it
			}
			return c.withStore(ctx, false, func(s store.Store) error {
				return c.list(ctx, s, path, recursive)
			})
		})
	cmd.Long = cmd.Short + `, or of the whole store: their versions, sizes in bytes, how long ago
they were changed, and how many have them open. If PATH is a document itself, it comes
first. A name that ends in / is a folder; -R lists the documents below it instead.

A folder that may not be read is listed with the reason, and the others all the same; what
comes or goes meanwhile may be listed or not. Nothing is written. -o json prints one object
a line.

  zkstate ls
  zkstate ls -R /app -o json | jq -r .path`
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "list all that is below, not only what is directly below")
	return cmd
}

// list prints the document at path, if there is one, and what is below.
func (c *cli) list(ctx context.Context, s store.Store, path string, recursive bool) error {
	var places []store.Place
	if path != "/" {
		place, err := document.StatPlace(ctx, s, path)
		if err == nil {
			places = append(places, place)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	below, err := document.List(ctx, s, path, recursive)
	if err != nil {
		return err
	}
	if places = append(places, below...); len(places) == 0 && path != "/" {
		return fmt.Errorf("ls %s: no document is there or below: %w", path, store.ErrNotFound)
	}
	if c.output == "json" {
		for _, place := range places {
			if err := c.printJSON(document.Describe(place)); err != nil {
				return err
			}
		}
		return nil
	}
	return c.printPlaces(places, recursive)
}

func (c *cli) printPlaces(places []store.Place, recursive bool) error {
	rows := [][]string{{"PATH", "VERSION", "SIZE", "AGE", "LISTENERS"}}
	for _, place := range places {
		if !place.Version.IsZero() {
			rows = append(rows, []string{place.Path, place.Version.String(),
				strconv.FormatInt(place.Size, 10), age(place.Modified), strconv.Itoa(place.Listeners)})
		}
		if place.Folder && !recursive || place.Err != nil {
			row := []string{strings.TrimSuffix(place.Path, "/") + "/", "-", "-", "-", "-"}
			if place.Err != nil {
				row = append(row, place.Err.Error())
			}
			rows = append(rows, row)
		}
	}
	return c.printTable(rows)
}

// age is how long ago something was, in its largest unit.
func age(then time.Time) string {
	d := max(0, time.Since(then)) // the store's clock may be ahead of ours
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
