// SPDX-License-Identifier: MIT
//! Plays the scenarios with tungstenite and yawc: client URL
mod tungstenite_client;
mod yawc_client;

use std::error::Error;
use std::sync::Barrier;
use std::thread;

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Debug, PartialEq)]
enum Received {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16),
}

#[derive(Debug)]
enum NotOpen {
    Status(u16),
    Other(String),
}

#[derive(Clone, Copy, Default)]
struct Options {
    deflate: bool,
    keep_context: bool,
    origin: Option<&'static str>,
    subprotocols: Option<&'static str>,
}

/// A connection, as both libraries can show it.
trait Connection {
    /// Each part is a frame.
    fn send(&mut self, is_text: bool, parts: &[Vec<u8>]) -> Outcome;
    fn ping(&mut self, payload: &[u8]) -> Outcome;
    fn close(&mut self, code: u16) -> Outcome;
    fn receive(&mut self) -> Result<Received, Box<dyn Error>>;
}

type Opened = Result<Box<dyn Connection>, NotOpen>;

struct Library {
    name: &'static str,
    open: fn(url: &str, options: Options) -> Opened,
    deflates: bool,
}

const SIZES: [usize; 7] = [0, 1, 125, 126, 65535, 65536, 1 << 20];

fn text(size: usize) -> Vec<u8> {
    b"over and out, ".iter().copied().cycle().take(size).collect()
}

/// Bytes that do not compress: xorshift.
fn binary(size: usize) -> Vec<u8> {
    let mut state = size as u32 | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

fn check(condition: bool, otherwise: impl Into<String>) -> Outcome {
    if condition { Ok(()) } else { Err(otherwise.into().into()) }
}

impl Library {
    fn connect(&self, url: &str, options: Options) -> Result<Box<dyn Connection>, Box<dyn Error>> {
        (self.open)(&format!("{url}/echo"), options).map_err(|e| format!("{e:?}").into())
    }

    fn echoes(&self, url: &str, options: Options) -> Outcome {
        let mut client = self.connect(url, options)?;
        for size in SIZES {
            client.send(true, &[text(size)])?;
            let same = client.receive()? == Received::Text(text(size));
            check(same, format!("text of {size} bytes came back changed"))?;
            client.send(false, &[binary(size)])?;
            let same = client.receive()? == Received::Binary(binary(size));
            check(same, format!("{size} bytes came back changed"))?;
        }
        end(client, 1000)
    }

    fn fragments(&self, url: &str, options: Options) -> Outcome {
        let mut client = self.connect(url, options)?;
        let parts: Vec<_> = (0..300).map(text).collect();
        client.send(true, &parts)?;
        check(client.receive()? == Received::Text(parts.concat()), "text came back changed")?;
        let parts: Vec<_> = (0..300).map(binary).collect();
        client.send(false, &parts)?;
        check(client.receive()? == Received::Binary(parts.concat()), "bytes came back changed")?;
        end(client, 1000)
    }

    fn pings(&self, url: &str) -> Outcome {
        let mut client = self.connect(url, Options::default())?;
        for payload in [text(0), text(1), binary(125)] {
            client.ping(&payload)?;
            let got = client.receive()?;
            check(got == Received::Pong(payload), format!("instead of the Pong {got:?}"))?;
        }
        end(client, 1000)
    }

    fn closes(&self, url: &str, code: u16) -> Outcome {
        end(self.connect(url, Options::default())?, code)
    }

    /// Sends twice what the server takes.
    fn too_long(&self, url: &str) -> Outcome {
        let mut client = self.connect(url, Options::default())?;
        let sent = client.send(false, &[binary(2 << 20)]); // may fail: it need not be read
        let got = client.receive();
        let right = matches!(got, Ok(Received::Close(1009)));
        check(right, format!("sending: {sent:?}; receiving: {got:?}"))
    }

    fn no_subprotocol(&self, url: &str) -> Outcome {
        let subprotocols = Some("chat, superchat");
        match (self.open)(&format!("{url}/echo"), Options { subprotocols, ..Options::default() }) {
            Ok(client) => end(client, 1000),
            // tungstenite will not go on without one of its own; any choice it would have taken.
            Err(NotOpen::Other(error)) if error.contains("NoSubProtocol") => Ok(()),
            Err(error) => Err(format!("{error:?}").into()),
        }
    }

    fn refused(&self, url: &str, options: Options, status: u16) -> Outcome {
        match (self.open)(url, options) {
            Ok(_) => Err("was let in".into()),
            Err(NotOpen::Status(got)) if got == status => Ok(()),
            Err(error) => Err(format!("{error:?}").into()),
        }
    }

    /// Runs 100 clients, all connected before the first of them sends.
    fn many(&self, url: &str) -> Outcome {
        let connected = Barrier::new(100);
        let one = |number: u32| -> Result<(), String> {
            let deflate = self.deflates && number % 2 == 0;
            let client = self.connect(url, Options { deflate, ..Options::default() });
            connected.wait();
            let mut client = client.map_err(|e| e.to_string())?;
            for round in 0..20 {
                let message = format!("client {number}, round {round}").into_bytes();
                client.send(true, &[message.clone()]).map_err(|e| e.to_string())?;
                let got = client.receive().map_err(|e| e.to_string())?;
                if got != Received::Text(message) {
                    return Err(format!("client {number} got {got:?}"));
                }
            }
            end(client, 1000).map_err(|e| e.to_string())
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..100).map(|number| scope.spawn(move || one(number))).collect();
            let ended = threads.into_iter().map(|thread| thread.join().expect("a panic"));
            ended.collect::<Result<(), String>>().map_err(Into::into)
        })
    }
}

fn end(mut client: Box<dyn Connection>, code: u16) -> Outcome {
    client.close(code)?;
    let got = client.receive()?;
    check(got == Received::Close(code), format!("instead of the same code {got:?}"))
}

fn main() {
    let url = std::env::args().nth(1).expect("usage: client URL");
    let mut failed = false;
    for library in [tungstenite_client::LIBRARY, yawc_client::LIBRARY] {
        let mut play = |name: &str, outcome: Outcome| match outcome {
            Ok(()) => println!("ok - {}: {name}", library.name),
            Err(error) => {
                failed = true;
                println!("not ok - {}: {name}: {error}", library.name);
            }
        };
        let plain = Options::default();
        play("echoes every size, plain", library.echoes(&url, plain));
        play("joins fragments, plain", library.fragments(&url, plain));
        if library.deflates {
            let deflate = Options { deflate: true, ..plain };
            play("echoes every size, compressed", library.echoes(&url, deflate));
            play("joins fragments, compressed", library.fragments(&url, deflate));
            let keep = Options { keep_context: true, ..deflate };
            play("echoes every size, compression context kept", library.echoes(&url, keep));
            play("joins fragments, compression context kept", library.fragments(&url, keep));
        }
        play("answers pings", library.pings(&url));
        for code in [1000, 3333, 4999] {
            play(&format!("echoes close code {code}"), library.closes(&url, code));
        }
        play("ends a message that is too long with 1009", library.too_long(&url));
        play("agrees to no subprotocol", library.no_subprotocol(&url));
        let nowhere = format!("{url}/nowhere");
        play("refuses an unknown path with 404", library.refused(&nowhere, plain, 404));
        let foreign = Options { origin: Some("http://evil.example"), ..plain };
        let echo = format!("{url}/echo");
        play("refuses a foreign origin with 403", library.refused(&echo, foreign, 403));
        play("serves 100 clients at once", library.many(&url));
    }
    std::process::exit(failed.into());
}
