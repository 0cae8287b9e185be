// The connection: one WebSocket, opened again whenever it is lost.
//
// Browsers slow down the timers of hidden pages, so every state follows from the time at which
// the last message came. Socket and clock are given, so tests need neither a server nor patience.

const LONGEST = 30_000, FIRST = 500, STABLE = 60_000, SILENCE = 45_000;

/** How long to wait before an attempt: not at all at first, then a random time with a limit that
 * doubles, so that the readers of a service do not all come back at once. */
export function delay(attempt, random = Math.random) {
  return attempt === 0 ? 0 : random() * Math.min(LONGEST, FIRST * 2 ** attempt);
}

const CLOCK = {
  now: () => Date.now(),
  set: (work, millis) => setTimeout(work, millis),
  clear: (timer) => clearTimeout(timer),
};

/** States: `connecting`, `live`, `stale`, `reconnecting`, `fatal`. */
export class Connection {
  /** @type {string} */ url;
  /** @type {(url: string) => WebSocket} */ open = (url) => new WebSocket(url);
  clock = CLOCK;
  random = Math.random;
  /** @type {(() => Promise<number>)|undefined} the status of an ordinary request */ status;
  /** @type {(message: any) => void} */ onMessage;
  /** @type {(state: string) => void} */ onState;
  state = "connecting";
  interval = 1000;
  attempt = 0;
  /** @type {any} */ heard = null;
  /** @type {any} */ lost = null;
  /** @type {any} */ next = null;
  /** @type {any} */ epoch = null;
  /** @type {any} */ why = null;

  /** @param {Partial<Connection>} given */
  constructor(given) {
    Object.assign(this, given);
  }

  /** Connects now, whatever the wait would be. */
  connect() {
    if (this.state === "fatal") return;
    this.clock.clear(this.retry);
    this.#drop();
    this.next = null;
    const socket = (this.socket = this.open(this.url));
    socket.onopen = () => (this.opened = this.clock.now());
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = () => this.#closed();
    this.#watch();
  }

  /** Connects now if the page is waiting to do so. */
  hurry() {
    if (this.next !== null) this.connect();
    else this.#watch();
  }

  receive(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message.type === "snapshot") {
      const major = String(message.protocol ?? "1").split(".")[0];
      if (major !== "1") return this.give(`This page speaks protocol 1 and the service ${major}.`);
      message.restarted = this.epoch !== null && message.epoch !== this.epoch;
      this.epoch = message.epoch ?? this.epoch;
    }
    this.heard = this.clock.now();
    this.lost = null;
    this.#change("live");
    this.#watch();
    this.onMessage(message);
  }

  /** Looks at the time since the last message, and again when it would change the state. */
  #watch() {
    this.clock.clear(this.watchdog);
    const quiet = this.clock.now() - (this.heard ?? this.clock.now());
    if (this.heard !== null && quiet >= SILENCE) return this.#closed();
    const stale = this.interval * 2.5;
    if (this.state === "live" && quiet >= stale) this.#change("stale");
    const due = this.state === "live" ? stale - quiet : SILENCE - quiet;
    this.watchdog = this.clock.set(() => this.#watch(), Math.max(50, due));
  }

  #closed() {
    this.#drop();
    const now = this.clock.now();
    if (this.opened && now - this.opened >= STABLE) this.attempt = 0;
    const refused = !this.opened;
    this.opened = null;
    this.lost ??= now;
    this.heard = null;
    const wait = delay(this.attempt, this.random);
    this.attempt += 1;
    this.next = now + wait;
    this.retry = this.clock.set(() => this.connect(), wait);
    this.#change("reconnecting");
    if (refused && this.status) this.#ask();
  }

  /** A browser does not say why a WebSocket was refused; an ordinary request does. */
  async #ask() {
    const status = await this.status().catch(() => 0);
    if (status === 401 || status === 403) this.give("The service does not let you read it: log in.");
  }

  give(why) {
    this.why = why;
    this.#drop();
    this.clock.clear(this.retry);
    this.next = null;
    this.#change("fatal");
  }

  #drop() {
    this.clock.clear(this.watchdog);
    const socket = this.socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    this.socket = null;
    socket.close();
  }

  #change(state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
  }
}
