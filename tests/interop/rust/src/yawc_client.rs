// SPDX-License-Identifier: MIT
//! yawc as main.rs needs it: each connection runs in a runtime of its own.
use crate::{Connection, Library, NotOpen, Opened, Options, Outcome, Received};
use futures::SinkExt;
use std::error::Error;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use yawc::{Frame, HttpRequest, OpCode, TcpWebSocket, WebSocket, WebSocketError};

pub const LIBRARY: Library = Library { name: "yawc", open, deflates: true };

struct Client {
    runtime: Runtime,
    socket: TcpWebSocket,
}

fn wait<T>(
    runtime: &Runtime,
    future: impl Future<Output = Result<T, WebSocketError>>,
) -> Result<T, Box<dyn Error>> {
    let patient = async { timeout(Duration::from_secs(20), future).await };
    Ok(runtime.block_on(patient)??)
}

fn open(url: &str, options: Options) -> Opened {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut request = HttpRequest::builder();
    for (name, value) in
        [("Origin", options.origin), ("Sec-WebSocket-Protocol", options.subprotocols)]
    {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let mut settings = yawc::Options::default().with_limits(4 << 20, 8 << 20);
    if options.deflate {
        settings = settings.with_compression_level(yawc::CompressionLevel::default());
        if !options.keep_context {
            settings = settings.client_no_context_takeover().server_no_context_takeover();
        }
    }
    let url = url.parse().expect("a URL");
    let connecting = WebSocket::connect(url).with_request(request).with_options(settings);
    match wait(&runtime, async { connecting.await }) {
        Ok(socket) => Ok(Box::new(Client { runtime, socket })),
        Err(error) => Err(match error.downcast_ref() {
            Some(WebSocketError::InvalidStatusCode(status)) => NotOpen::Status(*status),
            _ => NotOpen::Other(error.to_string()),
        }),
    }
}

impl Connection for Client {
    fn send(&mut self, is_text: bool, parts: &[Vec<u8>]) -> Outcome {
        for (number, part) in parts.iter().cloned().enumerate() {
            let frame = match (number, is_text) {
                (0, true) => Frame::text(part),
                (0, false) => Frame::binary(part),
                _ => Frame::continuation(part),
            };
            let frame = frame.with_fin(number + 1 == parts.len());
            wait(&self.runtime, self.socket.send(frame))?;
        }
        Ok(())
    }

    fn ping(&mut self, payload: &[u8]) -> Outcome {
        wait(&self.runtime, self.socket.send(Frame::ping(payload.to_vec())))
    }

    fn close(&mut self, code: u16) -> Outcome {
        wait(&self.runtime, self.socket.send(Frame::close(code.into(), "the end")))
    }

    fn receive(&mut self) -> Result<Received, Box<dyn Error>> {
        let frame = wait(&self.runtime, self.socket.next_frame())?;
        let payload = frame.payload().to_vec();
        Ok(match frame.opcode() {
            OpCode::Text => Received::Text(payload),
            OpCode::Binary => Received::Binary(payload),
            OpCode::Pong => Received::Pong(payload),
            OpCode::Close => Received::Close(frame.close_code().map_or(1005, u16::from)),
            other => return Err(format!("not expected: {other:?}").into()),
        })
    }
}
