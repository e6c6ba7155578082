// SPDX-License-Identifier: MIT
// Plays the scenarios with gorilla/websocket and coder/websocket: client URL
package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"sync"
)

// conn is one connection, as both libraries can show it.
type conn interface {
	send(isText bool, parts ...[]byte) error // each part a frame, or several
	receive() (isText bool, message []byte, err error)
	ping() error            // returns when the Pong came
	close(code int) error   // fails unless the same code came back
	sentCode(err error) int // of the Close frame that err tells of
	deflates() bool         // agreed to permessage-deflate
	subprotocol() string
	drop()
}

type options struct {
	deflate, keepContext bool
	origin               string
	subprotocols         []string
}

// library opens a connection; where the server refuses, status is what it said.
type library struct {
	name         string
	open         func(url string, o options) (c conn, status int, err error)
	keepsContext bool
}

var sizes = []int{0, 1, 125, 126, 65535, 65536, 1 << 20}

func text(size int) []byte {
	return []byte(strings.Repeat("over and out, ", size/14+1)[:size])
}

func binary(size int) []byte {
	message := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(message)
	return message
}

func echo(c conn, isText bool, message []byte) error {
	if err := c.send(isText, message); err != nil {
		return err
	}
	return expect(c, isText, message)
}

func expect(c conn, isText bool, message []byte) error {
	gotText, got, err := c.receive()
	if err != nil {
		return err
	}
	if gotText != isText || !bytes.Equal(got, message) {
		return fmt.Errorf("sent %d bytes (text: %t), got %d other ones (text: %t)",
			len(message), isText, len(got), gotText)
	}
	return nil
}

func (l library) echoes(url string, o options) error {
	c, _, err := l.open(url+"/echo", o)
	if err != nil {
		return err
	}
	defer c.drop()
	if c.deflates() != o.deflate {
		return fmt.Errorf("compression agreed to: %t", c.deflates())
	}
	for _, size := range sizes {
		if err := errors.Join(echo(c, true, text(size)), echo(c, false, binary(size))); err != nil {
			return fmt.Errorf("size %d: %w", size, err)
		}
	}
	return c.close(1000)
}

func (l library) fragments(url string, o options) error {
	c, _, err := l.open(url+"/echo", o)
	if err != nil {
		return err
	}
	defer c.drop()
	for _, isText := range []bool{true, false} {
		var parts [][]byte
		for size := range 300 {
			parts = append(parts, text(size))
		}
		if err := c.send(isText, parts...); err != nil {
			return err
		}
		if err := expect(c, isText, bytes.Join(parts, nil)); err != nil {
			return err
		}
	}
	return nil
}

func (l library) pings(url string) error {
	c, _, err := l.open(url+"/echo", options{})
	if err != nil {
		return err
	}
	defer c.drop()
	for range 10 {
		if err := c.ping(); err != nil {
			return err
		}
	}
	return nil
}

func (l library) closes(url string, code int) error {
	c, _, err := l.open(url+"/echo", options{})
	if err != nil {
		return err
	}
	defer c.drop()
	return c.close(code)
}

// tooLong sends twice what the server takes.
func (l library) tooLong(url string) error {
	c, _, err := l.open(url+"/echo", options{})
	if err != nil {
		return err
	}
	defer c.drop()
	sent := c.send(false, binary(2<<20)) // may fail: the server need not read to the end
	_, _, err = c.receive()
	if c.sentCode(err) != 1009 {
		return fmt.Errorf("sending: %v; receiving: %v", sent, err)
	}
	return nil
}

func (l library) noSubprotocol(url string) error {
	c, _, err := l.open(url+"/echo", options{subprotocols: []string{"chat", "superchat"}})
	if err != nil {
		return err
	}
	defer c.drop()
	if c.subprotocol() != "" {
		return fmt.Errorf("agreed to %q", c.subprotocol())
	}
	return echo(c, true, text(5))
}

func (l library) refused(url string, o options, wanted int) error {
	c, status, err := l.open(url, o)
	if err == nil {
		c.drop()
		return errors.New("was let in")
	}
	if status != wanted {
		return fmt.Errorf("status %d: %w", status, err)
	}
	return nil
}

// many runs 100 clients, all connected before the first of them sends.
func (l library) many(url string) error {
	const clients, rounds = 100, 20
	var connected, ended sync.WaitGroup
	failures := make([]error, clients)
	connected.Add(clients)
	for number := range clients {
		ended.Add(1)
		go func() {
			defer ended.Done()
			c, _, err := l.open(url+"/echo", options{deflate: number%2 == 0})
			connected.Done()
			if err != nil {
				failures[number] = err
				return
			}
			defer c.drop()
			connected.Wait()
			for round := 0; round < rounds && err == nil; round++ {
				err = echo(c, true, fmt.Appendf(nil, "client %d, round %d", number, round))
			}
			if err == nil {
				err = c.close(1000)
			}
			failures[number] = err
		}()
	}
	ended.Wait()
	return errors.Join(failures...)
}

func main() {
	url := os.Args[1]
	failed := false
	for _, l := range []library{gorillaLibrary, coderLibrary} {
		play := func(name string, err error) {
			if err != nil {
				failed = true
				fmt.Printf("not ok - %s: %s: %v\n", l.name, name, err)
				return
			}
			fmt.Printf("ok - %s: %s\n", l.name, name)
		}
		deflate := options{deflate: true}
		play("echoes every size, plain", l.echoes(url, options{}))
		play("echoes every size, compressed", l.echoes(url, deflate))
		play("joins fragments, plain", l.fragments(url, options{}))
		play("joins fragments, compressed", l.fragments(url, deflate))
		if l.keepsContext {
			keep := options{deflate: true, keepContext: true}
			play("echoes every size, compression context kept", l.echoes(url, keep))
			play("joins fragments, compression context kept", l.fragments(url, keep))
		}
		play("answers pings", l.pings(url))
		for _, code := range []int{1000, 3333, 4999} {
			play(fmt.Sprintf("echoes close code %d", code), l.closes(url, code))
		}
		play("ends a message that is too long with 1009", l.tooLong(url))
		play("agrees to no subprotocol", l.noSubprotocol(url))
		play("refuses an unknown path with 404", l.refused(url+"/nowhere", options{}, 404))
		foreign := options{origin: "http://evil.example"}
		play("refuses a foreign origin with 403", l.refused(url+"/echo", foreign, 403))
		play("serves 100 clients at once", l.many(url))
	}
	if failed {
		os.Exit(1)
	}
}
