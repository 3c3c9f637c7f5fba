// A circuit breaker before each subgraph: one that fails is left alone for a while, and who needs it is told so at once.

const MOST_FAILURES = 5; // in a row
const OPEN_MS = 1_000; // until one call tries whether it is back
const MOST_UNDER_WAY = 256; // calls of one subgraph: while it hangs, nothing piles up behind it until the first has timed out

export const STATES = ['closed', 'half_open', 'open'];

class Circuit {
  state = 'closed';
  underWay = 0;
  #failures = 0;
  #openUntil = 0;
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** True while nothing should be sent there. For what cannot tell how a call went, or not yet: an event stream, a body on its way. */
  get isRefusing() {
    const isOpen = this.state === 'half_open' || (this.state === 'open' && Date.now() < this.#openUntil);
    return isOpen || this.underWay >= MOST_UNDER_WAY;
  }

  /**
   * Admits a call, or answers undefined. The caller says by the function it gets how the call went: `well`, `failed`, or nothing when it
   * cannot know, since the client left or somebody else will ask again. Only the first time counts.
   */
  enter() {
    if (this.isRefusing) return undefined;
    const isProbe = this.state === 'open';
    if (isProbe) this.state = 'half_open';
    this.underWay += 1;
    let isOver = false;
    return (verdict) => {
      if (isOver) return;
      isOver = true;
      this.underWay -= 1;
      // What began before the circuit opened says nothing about now.
      if (isProbe || this.state === 'closed') this.#judge(verdict, isProbe);
    };
  }

  #judge(verdict, isProbe) {
    if (verdict === 'well') {
      this.#failures = 0;
      this.state = 'closed';
      if (isProbe) this.#onChange('closed');
    } else if (verdict === 'failed') {
      this.#failures += 1;
      if (!isProbe && this.#failures < MOST_FAILURES) return;
      this.state = 'open';
      this.#openUntil = Date.now() + OPEN_MS;
      if (!isProbe) this.#onChange('opened');
    } else if (isProbe) {
      this.state = 'open'; // the next one tries
    }
  }
}

/** The circuits of the subgraphs, by name. Opening and closing are logged; a probe that fails changes nothing that is worth a line. */
export function createCircuits(names, { log }) {
  return Object.fromEntries(
    names.map((name) => [name, new Circuit((change) => log.warning(`circuit_${change}`, { subgraph: name }))]),
  );
}
