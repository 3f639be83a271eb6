// Verifylog checks a log with the Go checksum database's own code: the checkpoint's signature, the tiles, the
// inclusion of every entry and the consistency of every tenth size.
//
//	verifylog FOLDER VERIFIER-KEY
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// files reads tiles of a C2SP log, whose paths have no height ("tile/0/000" for "tile/8/0/000").
type files struct{ folder string }

func (f files) Height() int { return 8 }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := f.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1), 32*tile.W)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func (f files) read(path string, most int) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(f.folder, path))
	if os.IsNotExist(err) {
		if at := strings.Index(path, ".p/"); at >= 0 {
			data, err = os.ReadFile(filepath.Join(f.folder, path[:at]))
		}
	}
	if most > 0 && len(data) > most {
		data = data[:most]
	}
	return data, err
}

func (f files) entries(size int64) [][]byte {
	var all [][]byte
	for first := int64(0); first < size; first += 256 {
		tile := tlog.Tile{H: 8, L: 0, N: first / 256, W: 256}
		if size-first < 256 {
			tile.W = int(size - first)
		}
		data, err := f.read(strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1), 0)
		check(err)
		for len(data) > 0 {
			length := binary.BigEndian.Uint16(data)
			all = append(all, data[2:2+int(length)])
			data = data[2+int(length):]
		}
	}
	return all[:size]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	from := files{os.Args[1]}
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	signed, err := os.ReadFile(filepath.Join(from.folder, "checkpoint"))
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	hashes := tlog.TileHashReader(tree, from)
	for index, entry := range from.entries(size) {
		n := int64(index)
		proof, err := tlog.ProveRecord(size, n, hashes)
		check(err)
		check(tlog.CheckRecord(proof, size, tree.Hash, n, tlog.RecordHash(entry)))
		if n%10 == 9 {
			old, err := tlog.TreeHash(n+1, hashes)
			check(err)
			growth, err := tlog.ProveTree(size, n+1, hashes)
			check(err)
			check(tlog.CheckTree(growth, size, tree.Hash, n+1, old))
		}
	}
	fmt.Printf("%s: %d entries verified\n", lines[0], size)
}
