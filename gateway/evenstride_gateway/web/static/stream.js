// The event stream. EventSource misses silent drops and gives up on a non-200 answer: a watchdog reopens it.

export class Stream {
  /** onEvent(kind, data) for each event, onTick() four times a second. */
  constructor(url, { onEvent, onTick }) {
    this.url = url;
    this.onEvent = onEvent;
    this.heardAt = 0; // of the last event, ms since the epoch: it goes on while the computer sleeps
    this.openedAt = 0;
    this.limitMs = 2500;
    this.source = null;
    this.sequence = null;
    setInterval(() => { this.watch(); onTick(); }, 250);
    document.addEventListener('visibilitychange', () => { if (!document.hidden && this.silentMs() > this.limitMs) this.open(); });
    addEventListener('online', () => this.open());
    addEventListener('pagehide', () => this.close());
    addEventListener('pageshow', () => { if (!this.source) this.open(); });
    this.open();
  }

  silentMs() { return this.heardAt ? Date.now() - this.heardAt : Infinity; }

  close() {
    this.source?.close();
    this.source = null;
  }

  open() {
    this.close();
    this.openedAt = Date.now();
    this.sequence = null;
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener('snapshot', event => this.take('snapshot', event));
    source.addEventListener('board', event => this.take('board', event));
  }

  take(kind, event) {
    if (event.currentTarget !== this.source) return;
    const sequence = Number(event.lastEventId);
    if (kind === 'board' && this.sequence !== null && sequence > this.sequence + 1) { this.open(); return; } // ask for a snapshot
    this.sequence = sequence;
    this.heardAt = Date.now();
    this.onEvent(kind, JSON.parse(event.data));
  }

  watch() {
    const dead = !this.source || this.source.readyState === EventSource.CLOSED;
    const sinceOpen = Date.now() - this.openedAt;
    if ((dead && sinceOpen > 1000) || (this.silentMs() > this.limitMs && sinceOpen > 3000)) this.open();
  }
}
