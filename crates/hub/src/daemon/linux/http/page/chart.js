// Small charts of the last hour.

const SVG = 'http://www.w3.org/2000/svg';
const HOUR = 3600000;
// Where the next point is later than that, the machine was not heard: the line is broken.
const GAP = 150000;
const [WIDE, HIGH] = [240, 48];

function drawing(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

// Points without gaps between them.
function pieces(points) {
  const made = [];
  let before = null;
  for (const point of points) {
    if (before === null || point[0] - before > GAP) made.push([]);
    made[made.length - 1].push(point);
    before = point[0];
  }
  return made;
}

function lines(points, now, most) {
  const x = at => Math.max(0, WIDE * (1 - (now - at) / HOUR)).toFixed(1);
  const y = value => (HIGH - 1 - (HIGH - 2) * Math.min(1, value / most)).toFixed(1);
  return pieces(points).flatMap(piece => {
    const path = piece.map(([at, value]) => `${x(at)},${y(value)}`);
    const [start, end] = [x(piece[0][0]), x(piece[piece.length - 1][0])];
    if (piece.length === 1) {
      const height = y(piece[0][1]);
      return [drawing('line', { class: 'dot', x1: start, x2: start, y1: height, y2: height })];
    }
    return [
      drawing('polygon', { class: 'area', points: `${start},${HIGH} ${path.join(' ')} ${end},${HIGH}` }),
      drawing('polyline', { class: 'line', points: path.join(' ') }),
    ];
  });
}

// A chart with its name and its words; `points` are pairs of time and value, `most` is the top of the scale.
function chart(title, points, show, most) {
  const now = hubTime();
  const known = points.filter(([at, value]) => isNumber(value) && now - at <= HOUR);
  const values = known.map(([, value]) => value);
  const newest = values.length ? show(values[values.length - 1]) : NOTHING;
  const range = values.length > 1 ? `${show(Math.min(...values))} to ${show(Math.max(...values))}` : 'no history yet';
  const svg = drawing('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: 'none', role: 'img',
    'aria-label': `${title}: now ${newest}, in the last hour ${range}` },
  drawing('line', { class: 'base', x1: 0, x2: WIDE, y1: HIGH - 0.5, y2: HIGH - 0.5 }), ...lines(known, now, most));
  return element('figure', {}, element('figcaption', {}, element('span', {}, title), element('b', {}, newest)), svg,
    element('p', { class: 'quiet', 'aria-hidden': 'true' }, range));
}

function charts(machine) {
  const history = machine.history || [];
  const of = at => history.map(point => [point[0], point[at]]);
  const loads = history.map(point => point[4]).filter(isNumber);
  const made = [
    chart('CPU', of(1), percent, 1),
    chart('Memory', of(2), percent, 1),
    chart('Fullest disk', of(3), percent, 1),
  ];
  const cores = ((machine.system || {}).cpu || {}).cores_usage || [];
  if (loads.length) made.push(chart('Load', of(4), decimal, Math.max(1, cores.length, ...loads)));
  return element('section', {}, element('h3', {}, 'The last hour'), element('div', { class: 'charts' }, ...made));
}
