// Verifynote opens a signed note with the Go checksum database's own code.
//
//	verifynote FILE VERIFIER-KEY
package main

import (
	"fmt"
	"log"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes signed by %s\n", len(opened.Text), opened.Sigs[0].Name)
}
