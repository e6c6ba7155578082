// SPDX-License-Identifier: MIT
//! tungstenite as main.rs needs it. It does not compress.
use crate::{Connection, Library, NotOpen, Opened, Options, Outcome, Received};
use std::error::Error;
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::client::ClientRequestBuilder;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::{HandshakeError, Message, WebSocket};

pub const LIBRARY: Library = Library { name: "tungstenite", open, deflates: false };

struct Client(WebSocket<TcpStream>);

fn open(url: &str, options: Options) -> Opened {
    let other = |error: &dyn std::fmt::Debug| NotOpen::Other(format!("{error:?}"));
    let uri: tungstenite::http::Uri = url.parse().map_err(|e| other(&e))?;
    let address = uri.authority().expect("an authority").to_string();
    let mut request = ClientRequestBuilder::new(uri);
    if let Some(origin) = options.origin {
        request = request.with_header("Origin", origin);
    }
    for subprotocol in options.subprotocols.iter().flat_map(|list| list.split(", ")) {
        request = request.with_sub_protocol(subprotocol);
    }
    let stream = TcpStream::connect(address).map_err(|e| other(&e))?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(|e| other(&e))?;
    match tungstenite::client(request, stream) {
        Ok((client, _)) => Ok(Box::new(Client(client))),
        Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
            Err(NotOpen::Status(response.status().as_u16()))
        }
        Err(error) => Err(other(&error)),
    }
}

impl Connection for Client {
    fn send(&mut self, is_text: bool, parts: &[Vec<u8>]) -> Outcome {
        let first = if is_text { Data::Text } else { Data::Binary };
        for (number, part) in parts.iter().enumerate() {
            let opcode = OpCode::Data(if number == 0 { first } else { Data::Continue });
            let frame = Frame::message(part.clone(), opcode, number + 1 == parts.len());
            self.0.write(Message::Frame(frame))?;
        }
        Ok(self.0.flush()?)
    }

    fn ping(&mut self, payload: &[u8]) -> Outcome {
        Ok(self.0.send(Message::Ping(payload.to_vec().into()))?)
    }

    fn close(&mut self, code: u16) -> Outcome {
        let frame = CloseFrame { code: code.into(), reason: "the end".into() };
        Ok(self.0.close(Some(frame))?)
    }

    fn receive(&mut self) -> Result<Received, Box<dyn Error>> {
        Ok(match self.0.read()? {
            Message::Text(text) => Received::Text(text.as_bytes().to_vec()),
            Message::Binary(bytes) => Received::Binary(bytes.to_vec()),
            Message::Pong(payload) => Received::Pong(payload.to_vec()),
            Message::Close(Some(frame)) => Received::Close(frame.code.into()),
            other => return Err(format!("not expected: {other}").into()),
        })
    }
}
