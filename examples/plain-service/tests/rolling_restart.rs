//! Two instances behind nginx, which are stopped and started in turn under load.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use testbed::deadline::{Stopwatch, pause};
use testbed::nginx::Nginx;
use testbed::prove::Length;
use testbed::{Deadline, http, tools};

/// The connections of clients, which they keep, and the time between two requests on each: 500
/// requests a second in all.
const CLIENTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(40);
/// Longer than an instance takes to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

struct Instance {
    address: SocketAddr,
    process: Child,
}

impl Instance {
    /// Starts an instance, and waits until it is ready.
    fn start(address: SocketAddr, admin: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plain-service"));
        command.env("LISTEN", address.to_string()).env("ADMIN", admin.to_string());
        let process = command.spawn().expect("it starts");
        let is_ready =
            || http::get(admin, "/health/ready").is_ok_and(|answer| answer.status == 200);
        assert!(Deadline::after(PATIENCE).until(is_ready), "{address} is not ready in time");
        Self { address, process }
    }

    /// Ends the instance as an orchestrator does.
    fn stop(&mut self) {
        let pid = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.expect("there is such a program").success());
        let ended = self.process.wait().expect("it can be waited for");
        assert!(ended.success(), "{} ended with {ended}", self.address);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It has ended already, unless the test fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns an address whose port nobody has at the moment.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound")
}

fn configuration(instances: [SocketAddr; 2], address: SocketAddr) -> String {
    let [first, second] = instances;
    format!(
        "upstream shop {{ server {first} max_fails=0; server {second} max_fails=0; keepalive 32; }}
         server {{
             listen {address};
             location / {{
                 proxy_pass http://shop;
                 proxy_http_version 1.1;
                 proxy_set_header Connection '';
                 proxy_set_header Host $host;
             }}
         }}"
    )
}

/// Sends requests on one connection until it is over; returns the number of good answers.
fn ask(address: SocketAddr, is_over: &AtomicBool) -> io::Result<u32> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut answers, mut stream) = (BufReader::new(stream.try_clone()?), stream);
    let order = r#"{"item":"tea","pieces":2}"#;
    let get = "GET /orders/3 HTTP/1.1\r\nhost: shop.test\r\n\r\n".to_owned();
    let post = format!(
        "POST /orders HTTP/1.1\r\nhost: shop.test\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{order}",
        order.len()
    );
    let mut good = 0;
    while !is_over.load(Ordering::Relaxed) {
        let next = Deadline::after(PAUSE);
        let request = if good % 2 == 0 { &get } else { &post };
        stream.write_all(request.as_bytes())?;
        let (status, body) = read(&mut answers)?;
        if status != 200 || !body.contains("item") {
            return Err(io::Error::other(format!("{status} {body} after {good} good answers")));
        }
        good += 1;
        pause(next.left());
    }
    Ok(good)
}

/// Reads an answer that says how long it is.
fn read(stream: &mut BufReader<TcpStream>) -> io::Result<(u32, String)> {
    let (mut status, mut length) = (0, 0);
    for number in 0.. {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        match line.strip_prefix("content-length: ") {
            Some(bytes) => length = bytes.parse().map_err(io::Error::other)?,
            None if number == 0 => {
                let word = line.split(' ').nth(1).unwrap_or_default();
                status = word.parse().map_err(io::Error::other)?;
            }
            None if line.is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[test]
fn a_rolling_restart_loses_no_request() {
    let tool = testbed::require!(tools::nginx());
    let addresses: [SocketAddr; 4] = std::array::from_fn(|_| free_address());
    let [first, second, first_admin, second_admin] = addresses;
    let starts = [(first, first_admin), (second, second_admin)];
    let mut instances = starts.map(|(address, admin)| Instance::start(address, admin));
    let nginx = Nginx::start(&tool, |address| configuration([first, second], address));
    let nginx = nginx.expect("nginx starts");

    let is_over = AtomicBool::new(false);
    let rounds = Length::of_this_run().pick(1, 10);
    let whole = Stopwatch::start();
    let answers = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| ask(nginx.address(), &is_over))).collect();
        for _ in 0..rounds {
            for (instance, (address, admin)) in instances.iter_mut().zip(starts) {
                instance.stop();
                *instance = Instance::start(address, admin);
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let answers = clients.into_iter().map(|client| client.join().expect("no panic"));
        answers.collect::<io::Result<Vec<_>>>()
    });
    let answers = answers.unwrap_or_else(|error| panic!("{error}; nginx said {}", nginx.said()));
    let (answers, seconds) = (answers.iter().sum::<u32>(), whole.elapsed().as_secs_f64());
    let rate = f64::from(answers) / seconds;
    println!("{rounds} restarts of each: {answers} answers in {seconds:.1} s, {rate:.0} a second");
    // Beside other tests a machine may be slow, so only the proof asks for the whole load.
    let least = Length::of_this_run().pick(CLIENTS, 4500);
    assert!(answers >= least, "only {answers} answers");
    instances.iter_mut().for_each(Instance::stop);
}
