// The pulse of what moves, as the daemon sends it; comes back by itself.

const EVERY = 500; // milliseconds between two pulses
const SILENCE = 40_000; // milliseconds: the daemon says something every 15 seconds
const AGAIN = 2_000;

/** Listen until the page is left. `pulse` is told each one, `connected` whether there is a connection. */
export function listen({ pulse, connected }) {
  let source = null;
  let watchdog = 0;
  let again = 0;

  function lost() {
    connected(false);
    clearTimeout(watchdog);
    clearTimeout(again);
    source.close();
    again = setTimeout(begin, AGAIN);
  }

  function heard() {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, SILENCE);
  }

  function begin() {
    source = new EventSource(`/api/events?level=error&pulse=${EVERY}`);
    source.addEventListener("open", heard);
    source.addEventListener("error", lost);
    source.addEventListener("pulse", (event) => {
      heard();
      connected(true);
      pulse(JSON.parse(event.data));
    });
    heard();
  }

  begin();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && begin()); // come back to by the browser's "back"
}
