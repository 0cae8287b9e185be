// Each client reads some updates, subscribes to one more topic, and leaves.

import ws from "k6/ws";
import { check } from "k6";
import { Counter } from "k6/metrics";

const updates = new Counter("updates");

export const options = {
  vus: 20,
  iterations: 20,
  thresholds: { checks: ["rate==1"] },
};

export default () => {
  const kinds = new Set();
  const url = `ws://${__ENV.ADDRESS}/metrics/stream?metrics=system&interval=200`;
  const response = ws.connect(url, null, (socket) => {
    let count = 0;
    socket.on("open", () => {
      socket.send(JSON.stringify({ type: "subscribe", metrics: ["cache"], interval: 500 }));
    });
    socket.on("message", (text) => {
      const message = JSON.parse(text);
      kinds.add(message.type);
      if (message.type === "update") {
        updates.add(1);
        if (++count === 5) socket.close(1000);
      }
    });
    socket.setTimeout(() => socket.close(1000), 20000);
  });
  check(response, { "the handshake is accepted": (it) => it && it.status === 101 });
  check(kinds, {
    "there are a snapshot, updates and an answer": (it) =>
      ["snapshot", "update", "subscribed"].every((kind) => it.has(kind)),
  });
};
