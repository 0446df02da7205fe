import { get, hear, query } from './api.js';
import { h } from './util.js';

// of: the device that the list is of, whose name need not be said again.
function row(e, of) {
    const at = new Date(e.at_ms), today = at.toDateString() === new Date().toDateString();
    return h('li', { class: e.severity },
        h('time', { datetime: at.toISOString(), title: at.toLocaleString() }, today ? at.toLocaleTimeString() : at.toLocaleDateString()),
        h('span', { class: 'kind' }, e.kind),
        of ? null : e.device ? h('a', { href: `#/devices/${encodeURIComponent(e.device)}` }, e.device) : h('span', {}, e.gateway),
        h('span', { class: 'text' }, e.text + (e.peer ? ` · ${e.peer}` : '')));
}

// Fills a list with the newest events of a filter, and goes on with what happens.  Returns what ends it.
export function rows(list, filter, more) {
    const severities = ['info', 'notice', 'warning', 'alarm'], { limit = 50, ...wanted } = filter;
    let gone = false, next = 0;
    async function page() {
        try {
            const p = await get(`/events${query({ ...wanted, limit, after: next || '' })}`);
            if (gone) return;
            list.append(...p.events.map((e) => row(e, wanted.device)));
            next = p.next;
            if (!list.children.length) list.append(h('li', { class: 'none' }, 'Nothing has happened yet.'));
        } catch (e) {
            if (!gone) list.append(h('li', { class: 'none' }, e.message));
        }
        if (more) more.hidden = !next;
    }
    const fits = (e) => (!wanted.device || wanted.device === e.device) && (!wanted.severity || severities.indexOf(e.severity) >= severities.indexOf(wanted.severity));
    const deaf = hear((e) => {
        if (!fits(e)) return;
        list.querySelector('.none')?.remove();
        const r = row(e, wanted.device);
        r.classList.add('new');
        list.prepend(r);
        while (!more && list.children.length > limit) list.lastChild.remove();
    });
    if (more) more.onclick = page;
    page();
    return () => { gone = true; deaf(); };
}

export function events(main, params) {
    const list = h('ol', { class: 'events card', 'aria-label': 'Events, newest first' }), more = h('button', { type: 'button', hidden: true }, 'Older ones');
    let end = () => {};
    const begin = () => {
        end();
        list.replaceChildren();
        end = rows(list, { severity: severity.value }, more);
    };
    const severity = h('select', { 'aria-label': 'Severity', onchange: begin },
        ...[['', 'All'], ['notice', 'Notices and worse'], ['warning', 'Warnings and worse'], ['alarm', 'Alarms']].map(([value, text]) => h('option', { value, selected: value === (params.get('severity') || '') }, text)));
    main.replaceChildren(h('div', { class: 'bar-top' }, h('h1', {}, 'Events'), severity), list, more);
    begin();
    return () => end();
}
