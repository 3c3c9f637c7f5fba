// Logs: one JSON line per event on stdout. Callers name the fields; bodies, tokens and headers are never among them.

const LEVELS = { debug: 10, info: 20, warning: 30, error: 40 };
const GATHERED_MS = 20; // ordinary lines of this time go out in one write, for a write to a file holds everybody up

/** A logger that writes events of `level` and worse: `log.info('ready', { port })`. */
export function createLog(level) {
  let lines = [];
  const flush = () => {
    if (lines.length > 0) process.stdout.write(lines.join(''));
    lines = [];
  };
  process.on('exit', flush);
  const write = (severity, event, fields) => {
    if (LEVELS[severity] < LEVELS[level]) return;
    const line = { timestamp: new Date().toISOString(), level: severity, process: 'router', event, ...fields };
    lines.push(`${JSON.stringify(line)}\n`);
    if (LEVELS[severity] > LEVELS.info) flush();
    else if (lines.length === 1) setTimeout(flush, GATHERED_MS).unref();
  };
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warning: (event, fields) => write('warning', event, fields),
    error: (event, fields) => write('error', event, fields),
  };
}
