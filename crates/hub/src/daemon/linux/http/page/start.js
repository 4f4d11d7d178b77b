// Addresses, keys, and the start.

const VIEWS = ['machines', 'events', 'jobs'];

// The address after # says what is shown: a view, or one machine beside the view that was there.
function route() {
  const hash = location.hash.slice(1);
  if (hash.startsWith('vm=')) {
    openDetail(decoded(hash.slice(3)));
    return;
  }
  closeDetail();
  showView(VIEWS.includes(hash) ? hash : 'machines');
}

function showView(view) {
  for (const name of VIEWS) byId(name).hidden = name !== view;
  for (const one of document.querySelectorAll('nav a')) {
    if (one.dataset.view === view) one.setAttribute('aria-current', 'page');
    else one.removeAttribute('aria-current');
  }
  if (view === 'machines') draw();
  if (view === 'events') showEvents();
  if (view === 'jobs') askJobs();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    return text;
  }
}

function shownView() {
  return VIEWS.find(name => !byId(name).hidden);
}

function leaveDetail() {
  location.hash = shownView();
}

function onAnyKey(event) {
  const typing = event.target.closest('input');
  if (event.key === 'Escape' && detail.name !== null) {
    event.preventDefault();
    leaveDetail();
  } else if (event.key === 'Escape' && typing) {
    typing.value = '';
    onFilter();
  } else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !byId('main').inert) {
    event.preventDefault();
    byId('filter').focus();
  }
}

function onFilter() {
  table.filter = byId('filter').value;
  if (byId('events').hidden) draw();
  else showEvents();
}

function onClick(event) {
  const row = event.target.closest('tr');
  if (!row || !row.machine || String(getSelection())) return;
  if (!event.target.closest('a')) location.hash = link(row.machine);
}

headings();
const height = getComputedStyle(document.documentElement).getPropertyValue('--row');
table.height = parseFloat(height) || table.height;
byId('rows').addEventListener('keydown', onKey);
byId('rows').addEventListener('click', onClick);
byId('filter').addEventListener('input', onFilter);
byId('close').addEventListener('click', leaveDetail);
narrow.addEventListener('change', cover);
document.addEventListener('keydown', onAnyKey);
document.addEventListener('visibilitychange', () => document.hidden ? rest() : follow());
window.addEventListener('hashchange', route);
window.addEventListener('scroll', () => drawRows(), { passive: true });
window.addEventListener('resize', () => drawRows());
// Ages grow while nothing comes.
setInterval(() => document.hidden || drawRows(), 1000);
showView('machines');
route();
askJobs();
follow();
