// The one WebSocket: `init`, then a `tick` a second. It comes back by itself, waiting longer each time.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;
const SILENCE = 6000; // a tick comes every second: after this long nobody is there any more

/** `hear` gets each message; `tell` is told "live" or "away" when that changes. */
export function listen(hear, tell) {
  let wait = FIRST_WAIT;
  const open = () => {
    const socket = new WebSocket(`ws://${location.host}/lab/live`);
    let watchdog = null;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => socket.close(), SILENCE);
    };
    alive();
    socket.addEventListener("message", (event) => {
      alive();
      wait = FIRST_WAIT;
      tell("live");
      hear(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      clearTimeout(watchdog);
      tell("away");
      setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    });
  };
  open();
}
