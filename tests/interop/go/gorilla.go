// SPDX-License-Identifier: MIT
// gorilla/websocket as main.go needs it.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

type gorilla struct {
	*websocket.Conn
	deflated bool
}

var gorillaLibrary = library{name: "gorilla", open: openGorilla}

func openGorilla(url string, o options) (conn, int, error) {
	dialer := websocket.Dialer{
		HandshakeTimeout:  20 * time.Second,
		EnableCompression: o.deflate,
		Subprotocols:      o.subprotocols,
		WriteBufferSize:   256, // a frame for each time that it is full
	}
	header := http.Header{}
	if o.origin != "" {
		header.Set("Origin", o.origin)
	}
	c, response, err := dialer.Dial(url, header)
	if err != nil {
		if response == nil {
			return nil, 0, err
		}
		return nil, response.StatusCode, err
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	extensions := response.Header.Get("Sec-WebSocket-Extensions")
	return &gorilla{c, strings.Contains(extensions, "permessage-deflate")}, 101, nil
}

func (g *gorilla) send(isText bool, parts ...[]byte) error {
	kind := websocket.BinaryMessage
	if isText {
		kind = websocket.TextMessage
	}
	if len(parts) == 1 {
		return g.WriteMessage(kind, parts[0])
	}
	writer, err := g.NextWriter(kind)
	for _, part := range parts {
		if err == nil {
			_, err = writer.Write(part)
		}
	}
	if err != nil {
		return err
	}
	return writer.Close()
}

func (g *gorilla) receive() (bool, []byte, error) {
	kind, message, err := g.ReadMessage()
	return kind == websocket.TextMessage, message, err
}

func (g *gorilla) ping() error {
	payload, answered := strings.Repeat("p", 125), false
	g.SetPongHandler(func(got string) error {
		answered = got == payload
		return nil
	})
	deadline := time.Now().Add(20 * time.Second)
	if err := g.WriteControl(websocket.PingMessage, []byte(payload), deadline); err != nil {
		return err
	}
	// Handlers run only while something is read.
	if err := echo(g, true, []byte("after the ping")); err != nil {
		return err
	}
	if !answered {
		return errors.New("no Pong before the next message")
	}
	return nil
}

func (g *gorilla) close(code int) error {
	payload := websocket.FormatCloseMessage(code, "the end")
	deadline := time.Now().Add(20 * time.Second)
	if err := g.WriteControl(websocket.CloseMessage, payload, deadline); err != nil {
		return err
	}
	if _, _, err := g.ReadMessage(); g.sentCode(err) != code {
		return fmt.Errorf("instead of the same code: %w", err)
	}
	return nil
}

func (g *gorilla) sentCode(err error) int {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return closed.Code
	}
	return 0
}

func (g *gorilla) deflates() bool      { return g.deflated }
func (g *gorilla) subprotocol() string { return g.Subprotocol() }
func (g *gorilla) drop()               { _ = g.Conn.Close() }
