//go:build !unix

package zkserver

import (
	"errors"
	"os"
)

func pause(*os.Process) error     { return errors.ErrUnsupported }
func resume(*os.Process) error    { return errors.ErrUnsupported }
func terminate(*os.Process) error { return errors.ErrUnsupported }
