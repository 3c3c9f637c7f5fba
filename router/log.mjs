// Logs: one JSON line per event on stdout. Callers name the fields; bodies, tokens and headers are never among them.

const LEVELS = { debug: 10, info: 20, warning: 30, error: 40 };

/** A logger that writes events of `level` and worse: `log.info('ready', { port })`. */
export function createLog(level) {
  const write = (severity, event, fields) => {
    if (LEVELS[severity] < LEVELS[level]) return;
    const line = { timestamp: new Date().toISOString(), level: severity, process: 'router', event, ...fields };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warning: (event, fields) => write('warning', event, fields),
    error: (event, fields) => write('error', event, fields),
  };
}
