// Kabarchy tells people who applied to the Kyrgyz authorities where their
// application stands: on a page, by an API, and in Telegram.
package main

import (
	"os"
	_ "time/tzdata" // the zones, also where the machine has none

	_ "golang.org/x/crypto/x509roots/fallback" // the authorities, likewise

	"kabarchy/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
