package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/shockwave-ingress/shockwave/bench/cases"
	"github.com/shockwave-ingress/shockwave/bench/load"
)

//go:embed testdata/requests.txt
var requestsFile []byte

// weighted is a request of the mixed set.
type weighted struct {
	name    string
	weight  int
	request load.Request
}

// readRequests reads a file of requests; testdata/requests.txt says how it is
// written.
func readRequests(file []byte) ([]weighted, error) {
	var set []weighted
	for _, f := range txtar.Parse(file).Files {
		name, number, _ := strings.Cut(f.Name, " ")
		weight, err := strconv.Atoi(number)
		if err != nil || weight < 1 {
			return nil, fmt.Errorf("request %q has no weight", f.Name)
		}
		head, body, ok := strings.Cut(string(f.Data), "\n\n")
		if !ok {
			return nil, fmt.Errorf("request %q has no empty line", f.Name)
		}
		body = strings.TrimSuffix(body, "\n")
		const length = "\nContent-Length: "
		if (body != "") != strings.Contains(head, length+"*") {
			return nil, fmt.Errorf("request %q has a body or its length, not both", f.Name)
		}
		head = strings.Replace(head, length+"*", length+strconv.Itoa(len(body)), 1)
		text := strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
		set = append(set, weighted{name, weight, load.Request{Bytes: []byte(text), Want: cases.Mixed.Want(len(body))}})
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("there is no request")
	}
	return set, nil
}

// sequence is each request as often as its weight says, in an order that is the
// same each time.
func sequence(set []weighted) []*load.Request {
	var all []*load.Request
	for i := range set {
		for range set[i].weight {
			all = append(all, &set[i].request)
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// scenario is a case with what its connections send.
type scenario struct {
	cases.Case
	request func(connection, n int) *load.Request
}

// single is a case whose requests are all the same.
func single(c cases.Case) scenario {
	return scenario{c, func(int, int) *load.Request { return &c.Request }}
}

// mixedScenario is the mixed set on some connections, each beginning elsewhere in
// it.
func mixedScenario(name, text string, connections int) (scenario, error) {
	set, err := readRequests(requestsFile)
	if err != nil {
		return scenario{}, fmt.Errorf("requests.txt: %w", err)
	}
	all := sequence(set)
	return scenario{
		cases.Case{Name: name, Text: text, Kind: cases.Mixed, Connections: connections, Batch: 1},
		func(connection, n int) *load.Request {
			return all[(connection*len(all)/connections+n)%len(all)]
		},
	}, nil
}

// scenarios are all that are compared in the same way.
func scenarios() ([]scenario, error) {
	var list []scenario
	for _, c := range cases.All() {
		list = append(list, single(c))
	}
	mixed, err := mixedScenario("Mixed", "requests as real clients send them, 64 connections; three fields read, the body too", 64)
	return append(list, mixed), err
}
