//! Messages in both directions, whole and in fragments.

use bytes::Bytes;
use node0_websocket::{Event, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::client::{BINARY, Client, FINAL, PING, PONG, TEXT, frame, rules};

#[tokio::test(start_paused = true)]
async fn messages_of_each_length_return_as_they_were() {
    let mut client = Client::of_echo(rules(), 64);
    for length in [0, 1, 125, 126, 127, 1000, 16 << 10] {
        let text = "é".repeat(length / 2);
        client.send(FINAL | TEXT, text.as_bytes()).await;
        assert_eq!(client.receive().await.expect("a frame").text(), text);
        client.send(FINAL | BINARY, text.as_bytes()).await;
        let binary = client.receive().await.expect("a frame");
        assert_eq!((binary.opcode, binary.payload), (BINARY, text.into_bytes()));
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_are_put_together_around_control_frames() {
    let mut client = Client::of_echo(rules(), 1 << 16);
    client.send(TEXT, "caf".as_bytes()).await;
    client.send(0, &"é".as_bytes()[..1]).await;
    client.send(FINAL | PING, b"now").await;
    client.send(0, b"").await;
    client.send(FINAL, &"é".as_bytes()[1..]).await;
    let pong = client.receive().await.expect("a pong");
    assert_eq!((pong.opcode, pong.text()), (PONG, "now"));
    assert_eq!(client.receive().await.expect("a frame").text(), "café");
}

#[tokio::test(start_paused = true)]
async fn frames_that_arrive_byte_by_byte_or_all_at_once_are_the_same() {
    let mut client = Client::of_echo(rules(), 1 << 16);
    let bytes = [frame(FINAL | TEXT, b"one"), frame(FINAL | TEXT, &[b'2'; 300])].concat();
    for byte in &bytes {
        client.io.write_all(&[*byte]).await.expect("it is read");
        tokio::task::yield_now().await;
    }
    client.io.write_all(&bytes).await.expect("it is read");
    for _ in 0..2 {
        assert_eq!(client.receive().await.expect("a frame").text(), "one");
        assert_eq!(client.receive().await.expect("a frame").payload, [b'2'; 300]);
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_came_with_the_handshake_are_the_first_message() {
    let (_client, other) = duplex(64);
    let early = Bytes::from(frame(FINAL | TEXT, b"early"));
    let mut socket = Socket::new(other, early, rules());
    let Ok(Event::Text(text)) = socket.event().await else { panic!("no text") };
    assert_eq!(text.as_str(), "early");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_written_whole_between_the_pings_of_the_client() {
    let (mut client, other) = duplex(16);
    let mut socket = Socket::new(other, Bytes::new(), rules());
    let body = Bytes::from(vec![b'x'; 1000]);
    socket.send_text(&body);
    let serving = tokio::spawn(async move {
        let mut sent = 0;
        while let Ok(event) = socket.event().await {
            sent += usize::from(event == Event::Sent);
            if socket.is_free() && sent < 3 {
                socket.send_text(&body);
            }
        }
        sent
    });
    let (mut reader, mut writer) = tokio::io::split(&mut client);
    let pinging = async {
        for count in 0..50_u8 {
            writer.write_all(&frame(FINAL | PING, &[count])).await.expect("it is read");
        }
    };
    let reading = async {
        let (mut texts, mut newest) = (0, None);
        while texts < 3 || newest != Some(49) {
            let head = reader.read_u8().await.expect("a frame");
            let length = match reader.read_u8().await.expect("a length") {
                126 => usize::from(reader.read_u16().await.expect("a length")),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            reader.read_exact(&mut payload).await.expect("a whole frame");
            match head & 0x0F {
                TEXT => {
                    assert_eq!(payload, [b'x'; 1000]);
                    texts += 1;
                }
                PONG => {
                    assert!(newest < Some(payload[0]), "pongs are in order");
                    newest = Some(payload[0]);
                }
                other => panic!("frame {other}"),
            }
        }
    };
    tokio::join!(pinging, reading);
    drop(client);
    assert_eq!(serving.await.expect("no panic"), 3);
}
