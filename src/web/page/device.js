import { call, get, hear, may } from './api.js';
import { enrolment } from './add.js';
import { Rates, chart } from './chart.js';
import { rows } from './events.js';
import { ago, badge, confirm, explain, condition, h, number, size, toast, when } from './util.js';

const EACH_MS = 2000;

function fact(name, value) {
    return h('div', {}, h('dt', {}, name), h('dd', {}, value || '–'));
}

function facts(d) {
    const c = d.credential;
    return [
        fact('Identity', d.identity), fact('Profile', d.profile), fact('Tenant', d.tenant), fact('Tags', d.tags.join(' ')),
        fact('Address inside', d.inner_address || d.address || d.address6), fact('Outside', d.endpoint), fact('Gateway', d.gateway),
        fact(d.online ? 'Up since' : 'Down since', d.since ? `${when(d.since)} (${ago(d.since)})` : ''), fact('Last packet', d.online ? 'now' : ago(d.seen)),
        fact('Credential', c.kind === 'certificate' ? `certificate until ${when(c.ends)}` : c.kind === 'psk' ? 'shared secret' : 'none yet'),
        fact('Hardware', d.hardware), fact('Added', when(d.created)), d.notes ? fact('Notes', d.notes) : null,
    ];
}

export function device(main, params, name) {
    const path = `/devices/${encodeURIComponent(name)}`;
    const title = h('h1', {}, name), state = h('span', {}), list = h('dl', { class: 'facts' }), sums = h('p', { class: 'sums' });
    const buttons = h('div', { class: 'buttons' }), history = h('ol', { class: 'events own', 'aria-label': `History of ${name}` }), more = h('button', { type: 'button', hidden: true }, 'Older ones');
    const rx = new Rates(60), tx = new Rates(60), line = chart([{ name: 'in', title: 'from it', rates: rx }, { name: 'out', title: 'to it', rates: tx }], `Traffic of ${name}`);
    main.replaceChildren(h('nav', { class: 'crumbs', 'aria-label': 'Where you are' }, h('a', { href: '#/devices' }, 'Devices'), ' / ', name),
        h('div', { class: 'bar-top' }, title, state, buttons),
        h('div', { class: 'two wide-left' },
            h('section', { class: 'card' }, h('h2', {}, 'Traffic'), line, sums),
            h('section', { class: 'card' }, h('h2', {}, 'About'), list)),
        h('section', { class: 'card' }, h('h2', {}, 'History'), history, more));

    let timer = 0, gone = false, now = null;
    const act = (text, fields, verb, question) => h('button', {
        type: 'button', class: fields.state === 'revoked' ? 'danger' : '', 'data-verb': verb,
        onclick: async (e) => {
            if (question && !await confirm(`${text} ${name}?`, question, text)) return;
            e.target.disabled = true;
            try {
                show(await call('PATCH', path, fields));
                toast(`${name}: ${explain[condition(now)].toLowerCase()}`);
            } catch (x) { toast(x.message, true); e.target.disabled = false; }
        },
    }, text);
    const code = () => h('button', { type: 'button', 'data-verb': 'code', onclick: async () => {
        try { enrolment(name, (await call('POST', `${path}/code`, {})).enrolment); } catch (x) { toast(x.message, true); }
    } }, 'New code');

    function show(d) {
        const before = now;
        now = d;
        state.replaceChildren(badge(d));
        list.replaceChildren(...facts(d).filter(Boolean));
        rx.add(d.rx_bytes, Date.now());
        tx.add(d.tx_bytes, Date.now());
        line.draw();
        sums.textContent = `${size(d.rx_bytes)} in ${number(d.rx_packets)} packets from it, ${size(d.tx_bytes)} in ${number(d.tx_packets)} to it; ${number(d.drops)} dropped`;
        if (before && before.state === d.state && before.credential.kind === d.credential.kind) return;
        buttons.replaceChildren(...[
            may('enrol') && d.state !== 'revoked' && code(),
            may('manage') && d.state === 'active' && act('Suspend', { state: 'suspended' }, 'suspend'),
            may('manage') && d.state === 'suspended' && act('Resume', { state: 'active' }, 'resume'),
            may('manage') && d.state !== 'revoked' && act('Revoke', { state: 'revoked' }, 'revoke', 'Its tunnel ends within a second and its credential is worth nothing any more. This cannot be taken back.'),
        ].filter(Boolean));
    }
    async function look() {
        clearTimeout(timer);
        try {
            const d = await get(path);
            if (!gone) show(d);
        } catch (e) {
            if (gone) return;
            if (e.status === 404) { state.replaceChildren(h('span', { class: 'badge revoked' }, 'not there')); list.replaceChildren(fact('', e.message)); return; }
            toast(e.message, true);
        }
        if (!gone) timer = setTimeout(look, EACH_MS);
    }
    look();
    const deaf = hear((e) => { if (e.device === name) look(); });
    const end = rows(history, { device: name, limit: 25 }, more);
    return () => { gone = true; clearTimeout(timer); deaf(); end(); };
}
