// SPDX-License-Identifier: MIT
// coder/websocket as main.go needs it.
package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

type coder struct {
	*websocket.Conn
	patience context.Context
	cancel   context.CancelFunc
	deflated bool
}

var coderLibrary = library{name: "coder", open: openCoder, keepsContext: true}

func openCoder(url string, o options) (conn, int, error) {
	dial := websocket.DialOptions{
		Subprotocols:         o.subprotocols,
		HTTPHeader:           http.Header{},
		CompressionMode:      websocket.CompressionDisabled,
		CompressionThreshold: 1,
	}
	if o.deflate {
		dial.CompressionMode = websocket.CompressionNoContextTakeover
	}
	if o.keepContext {
		dial.CompressionMode = websocket.CompressionContextTakeover
	}
	if o.origin != "" {
		dial.HTTPHeader.Set("Origin", o.origin)
	}
	patience, cancel := context.WithTimeout(context.Background(), time.Minute)
	c, response, err := websocket.Dial(patience, url, &dial)
	if err != nil {
		cancel()
		if response == nil {
			return nil, 0, err
		}
		return nil, response.StatusCode, err
	}
	c.SetReadLimit(-1)
	extensions := response.Header.Get("Sec-WebSocket-Extensions")
	return &coder{c, patience, cancel, strings.Contains(extensions, "permessage-deflate")}, 101, nil
}

func (c *coder) send(isText bool, parts ...[]byte) error {
	kind := websocket.MessageBinary
	if isText {
		kind = websocket.MessageText
	}
	if len(parts) == 1 {
		return c.Write(c.patience, kind, parts[0])
	}
	writer, err := c.Writer(c.patience, kind) // each Write is a frame
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

func (c *coder) receive() (bool, []byte, error) {
	kind, message, err := c.Read(c.patience)
	return kind == websocket.MessageText, message, err
}

// ping needs a reader beside it, which takes the echo that follows the Pong.
func (c *coder) ping() error {
	read := make(chan error, 1)
	go func() { read <- expect(c, true, []byte("after the ping")) }()
	if err := c.Ping(c.patience); err != nil {
		return err
	}
	if err := c.send(true, []byte("after the ping")); err != nil {
		return err
	}
	return <-read
}

// close by the library fails where another code comes back.
func (c *coder) close(code int) error {
	return c.Close(websocket.StatusCode(code), "the end")
}

func (c *coder) sentCode(err error) int { return int(websocket.CloseStatus(err)) }
func (c *coder) deflates() bool         { return c.deflated }
func (c *coder) subprotocol() string    { return c.Subprotocol() }

func (c *coder) drop() {
	_ = c.CloseNow()
	c.cancel()
}
