package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/store"
)

// completionBound is how long a shell waits for a completion.
const completionBound = time.Second

// completePath completes the argument PATH with what is in the store. For later arguments
// the shell does what rest says. A store that cannot be read completes nothing.
func (c *cli) completePath(rest cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, rest
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionBound)
		defer cancel()
		found := make(chan []cobra.Completion, 1)
		go func() { // which may take longer than the shell waits, to close the store too
			found <- c.pathsFrom(ctx, word)
		}()
		select {
		case paths := <-found:
			directive := cobra.ShellCompDirectiveNoFileComp
			if len(paths) == 1 && strings.HasSuffix(paths[0], "/") {
				directive |= cobra.ShellCompDirectiveNoSpace
			}
			return paths, directive
		case <-ctx.Done():
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// completeOperand completes what diff takes: documents, which begin with /, and files.
func (c *cli) completeOperand(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if !strings.HasPrefix(word, "/") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return c.completePath(cobra.ShellCompDirectiveNoFileComp)(cmd, nil, word)
}

// pathsFrom returns the documents and folders that begin with word and are in one folder.
func (c *cli) pathsFrom(ctx context.Context, word string) []cobra.Completion {
	folder := "/"
	if slash := strings.LastIndexByte(word, '/'); slash > 0 {
		folder = word[:slash]
	}
	var paths []cobra.Completion
	_ = c.withStore(ctx, false, func(s store.Store) error {
		places, err := s.List(ctx, folder, store.Local)
		for _, place := range places {
			if !strings.HasPrefix(place.Path, word) {
				continue
			}
			if !place.Version.IsZero() {
				paths = append(paths, place.Path)
			}
			if place.Folder {
				paths = append(paths, place.Path+"/")
			}
		}
		return err
	})
	return paths
}
