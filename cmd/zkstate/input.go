package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// inputFlag adds the flag that says in which form an argument is.
func inputFlag(cmd *cobra.Command) *inputForm {
	var form inputForm
	cmd.Flags().Var(&form, "input", "the `format` of the text that is given: json or yaml (default json, and yaml for files whose names end in .yaml or .yml)")
	return &form
}

// inputForm is json or yaml, or empty.
type inputForm string

// String implements pflag.Value.
func (f *inputForm) String() string { return string(*f) }

// Set implements pflag.Value.
func (f *inputForm) Set(form string) error {
	if form != "json" && form != "yaml" {
		return errors.New("it must be json or yaml")
	}
	*f = inputForm(form)
	return nil
}

// Type implements pflag.Value.
func (f *inputForm) Type() string { return "input" }
