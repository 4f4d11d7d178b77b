// Words and figures as people read them, and the elements that hold them. Whatever a guest says goes through `clean` and
// becomes the text of an element, never markup.

// Control characters, and those that turn the direction of writing or take no room: shown as a sign, not obeyed.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const NOTHING = '–';

function clean(value, most = 160) {
  if (value === null || value === undefined) return '';
  const text = String(value);
  const cut = text.length > most ? text.slice(0, most) + '…' : text;
  return cut.replace(UNSEEN, '\ufffd');
}

const isNumber = value => typeof value === 'number' && Number.isFinite(value);
const percent = ratio => isNumber(ratio) ? `${Math.round(ratio * 100)} %` : NOTHING;
const decimal = value => isNumber(value) ? value.toFixed(2) : NOTHING;

function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function size(kb) {
  if (!isNumber(kb)) return NOTHING;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (kb >= 1024 && unit < units.length - 1) {
    kb /= 1024;
    unit += 1;
  }
  return `${kb >= 100 || unit === 0 ? Math.round(kb) : kb.toFixed(1)} ${units[unit]}`;
}

const plural = (count, one, many = one + 's') => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };

// A time of day, with its day where that is another one.
function clock(ms) {
  const [at, today] = [new Date(ms), new Date()];
  const time = at.toLocaleTimeString([], TIME);
  return at.toDateString() === today.toDateString() ? time : `${at.toLocaleDateString()} ${time}`;
}


// How much a share of something hurts. Said by colour and by weight; the figure itself is beside it.
const level = ratio => !isNumber(ratio) || ratio < 0.75 ? '' : ratio < 0.9 ? 'much' : 'full';

const byId = id => document.getElementById(id);

// An element with attributes and children; a child that is no element is text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setData(node, key, value) {
  if (node.dataset[key] !== value) node.dataset[key] = value;
}

const link = name => `#vm=${encodeURIComponent(name)}`;

// A table of a few rows: headings, and rows of texts or elements. A heading that begins with > is of figures.
function small(caption, headings, rows) {
  const cell = (tag, at, content) => {
    const classes = headings[at].startsWith('>') ? 'figure' : null;
    return element(tag, { class: classes, scope: tag === 'th' ? 'col' : null }, content);
  };
  const head = element('tr', {}, ...headings.map((text, at) => cell('th', at, text.replace(/^>/, ''))));
  const body = rows.map(row => element('tr', {}, ...row.map((content, at) => cell('td', at, content))));
  return element('table', { class: 'small' }, element('caption', {}, caption), element('thead', {}, head),
    element('tbody', {}, ...body));
}
