// Answers questions about notes, trees and proofs with the packages of the Go checksum database, one JSON line each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Ask       string   // open, record, tree, root
	Note      string   // open
	Key       string   // open
	Entry     []byte   // record
	Entries   [][]byte // root
	Index     int64    // record
	Size      int64    // record, tree: the (later) tree
	Root      []byte
	Before    int64 // tree: the earlier tree
	OldRoot   []byte
	Path      [][]byte
}

func hash(b []byte) (h tlog.Hash) {
	if len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}

func path(p [][]byte) (hs []tlog.Hash) {
	for _, b := range p {
		hs = append(hs, hash(b))
	}
	return hs
}

func answer(q question) (string, error) {
	switch q.Ask {
	case "open":
		v, err := note.NewVerifier(q.Key)
		if err != nil {
			return "", err
		}
		n, err := note.Open([]byte(q.Note), note.VerifierList(v))
		if err != nil {
			return "", err
		}
		return n.Text, nil
	case "record":
		return "", tlog.CheckRecord(path(q.Path), q.Size, hash(q.Root), q.Index, tlog.RecordHash(q.Entry))
	case "tree":
		return "", tlog.CheckTree(path(q.Path), q.Size, hash(q.Root), q.Before, hash(q.OldRoot))
	case "root":
		var stored []tlog.Hash
		reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
			var hs []tlog.Hash
			for _, i := range at {
				hs = append(hs, stored[i])
			}
			return hs, nil
		})
		for i, e := range q.Entries {
			hs, err := tlog.StoredHashes(int64(i), e, reader)
			if err != nil {
				return "", err
			}
			stored = append(stored, hs...)
		}
		h, err := tlog.TreeHash(int64(len(q.Entries)), reader)
		return h.String(), err
	}
	return "", fmt.Errorf("no such question")
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			panic(err)
		}
		said, err := answer(q)
		reply, _ := json.Marshal(map[string]interface{}{"ok": err == nil, "said": said})
		out.Write(append(reply, '\n'))
	}
}
