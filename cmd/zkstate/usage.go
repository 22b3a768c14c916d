package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/zkstate/zkstate/store"
)

// checkArgs says in words of ours what args says, and refuses a PATH that can be none
// before any store is opened.
func checkArgs(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		switch err := args(cmd, given); {
		case errors.As(err, new(usageError)):
			return err
		case err != nil:
			return fmt.Errorf("it is zkstate %s, and the arguments given are %d", cmd.Use, len(given))
		}
		if name := strings.Fields(cmd.Use); len(name) > 1 && name[1] == "PATH" {
			return failure(store.CheckPath(given[0]))
		}
		return nil
	}
}

// checkFlag says in words of ours what is wrong with a flag.
func checkFlag(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &invalid) && valueTypes[invalid.GetFlag().Value.Type()] != "":
		return fmt.Errorf("--%s cannot be %q: it must be a %s", invalid.GetFlag().Name, invalid.GetValue(), valueTypes[invalid.GetFlag().Value.Type()])
	case errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) == 1 && unicode.IsDigit(rune(unknown.GetSpecifiedName()[0])):
		return fmt.Errorf("%w: a negative number goes behind --", err)
	}
	return err
}

// valueTypes are pflag's names for what a flag can be, in words of ours.
var valueTypes = map[string]string{"duration": "time such as 10s or 1m30s", "int": "whole number", "bool": "true or false", "input": "format that it reads: json or yaml"}

func (c *cli) checkFlags(formats string) error {
	if c.timeout <= 0 {
		return fmt.Errorf("--timeout must be more than 0")
	}
	if c.output == "" {
		return nil
	}
	for format := range strings.FieldsSeq(formats) {
		if c.output == format {
			return nil
		}
	}
	if formats == "" {
		return fmt.Errorf("this command has no --output format")
	}
	return fmt.Errorf("--output must be one of: %s", strings.ReplaceAll(formats, " ", ", "))
}
