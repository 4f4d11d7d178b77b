// What happened, and the jobs.

const MOST_EVENTS = 500;
const OF_ONE = 8;
const JOBS_EVERY = 5000;
const happened = { events: [], last: 0, asking: false };
const jobs = { known: false, timer: null };

// Fetches what is newer than what is here; after the hub was started anew its numbers begin again.
async function askEvents(last) {
  if (happened.asking || last === happened.last) return;
  if (last < happened.last) Object.assign(happened, { events: [], last: 0 });
  happened.asking = true;
  try {
    const answer = await ask(`/v1/events?after=${Math.max(happened.last, last - MOST_EVENTS)}`);
    const events = answer ? answer.events : [];
    happened.events = [...happened.events, ...events].slice(-MOST_EVENTS);
    happened.last = events.length ? events[events.length - 1].seq : last;
    showEvents();
  } catch (error) {
    // The next change asks again.
  } finally {
    happened.asking = false;
  }
}

const kindOf = event => clean(event.kind).replaceAll('_', ' ');

function showEvents() {
  const place = byId('events');
  if (place.hidden) return;
  const words = table.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const text = event => `${event.vm} ${kindOf(event)} ${event.text}`.toLowerCase();
  const fit = happened.events.filter(event => words.every(word => text(event).includes(word))).reverse();
  if (!fit.length) {
    const why = words.length ? 'No event fits the filter.' : 'Nothing happened yet.';
    place.replaceChildren(element('p', { class: 'quiet' }, why));
    return;
  }
  const rows = fit.map(event => [
    element('time', { datetime: new Date(event.time_ms).toISOString() }, clock(event.time_ms)),
    element('a', { href: link(event.vm) }, clean(event.vm)),
    element('span', { class: 'kind', 'data-kind': event.kind }, kindOf(event)),
    clean(event.text, 500),
  ]);
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  const caption = `The last ${plural(fit.length, 'event')}, newest first`;
  place.replaceChildren(small(caption, ['Time', 'Machine', 'What', 'In words'], rows));
  const again = focused && [...place.querySelectorAll('a')].find(one => one.getAttribute('href') === focused);
  if (again) again.focus({ preventScroll: true });
}

function eventsOf(name) {
  const own = happened.events.filter(event => event.vm === name).slice(-OF_ONE).reverse();
  if (!own.length) return null;
  return small('Last events', ['Time', 'In words'], own.map(event => [clock(event.time_ms), clean(event.text, 300)]));
}

// Where the hub has no jobs, or shows none to who asks, there is no such view.
async function askJobs() {
  clearTimeout(jobs.timer);
  let all = null;
  try {
    all = await ask('/v1/jobs');
  } catch (error) {
    all = jobs.known ? undefined : null;
  }
  if (all !== null && all !== undefined) {
    jobs.known = true;
    document.querySelector('[data-view=jobs]').hidden = false;
    showJobs(Array.isArray(all) ? all : all.jobs || []);
  }
  if (jobs.known && !byId('jobs').hidden) jobs.timer = setTimeout(askJobs, JOBS_EVERY);
}

function outcomes(job) {
  const counts = Object.entries(job.counts || {}).filter(([, count]) => count > 0);
  return counts.map(([name, count]) => `${count} ${clean(name).replaceAll('_', ' ')}`).join(', ') || NOTHING;
}

const doing = message => (message.command_type || {}).action || message.type;

function showJobs(all) {
  const rows = all.slice(0, 200).map(job => [
    clean(job.id, 40),
    element('span', { class: 'kind', 'data-kind': job.state }, clean(job.state)),
    clean(doing(job.message || {}), 60),
    clean(job.vms, 80),
    String(job.targets ?? NOTHING),
    outcomes(job),
    clean(job.actor, 60),
    job.accepted_at ? clock(Date.parse(job.accepted_at)) : NOTHING,
  ]);
  const headings = ['Job', 'State', 'Does', 'On', '>Machines', 'Outcomes', 'By', 'Begun'];
  byId('jobs').replaceChildren(rows.length ? small(plural(all.length, 'job'), headings, rows) :
    element('p', { class: 'quiet' }, 'No jobs yet.'));
}
