const ws = new WebSocket(
  "ws://localhost:3000/metrics/stream?metrics=performance,cache&interval=1000",
);

ws.onmessage = (event) => {
  const message = JSON.parse(event.data);

  if (message.type === "snapshot") {
    console.log("Initial snapshot:", message.data);
  } else if (message.type === "update") {
    console.log("Metric update:", message.data);
  } else if (message.type === "alert") {
    console.warn("Alert:", message.data);
  }
};

// Subscribe to additional metrics
ws.onopen = () => {
  ws.send(
    JSON.stringify({
      type: "subscribe",
      metrics: ["circuit-breaker"],
      interval: 500,
    }),
  );
};
