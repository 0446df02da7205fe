import { get } from './api.js';
import { Rates, chart } from './chart.js';
import { rows } from './events.js';
import { h, number, size } from './util.js';

const EACH_MS = 2000, KEEP = 90;
const into = new Rates(KEEP), out = new Rates(KEEP), drops = new Rates(KEEP); // go on while other pages are looked at

function tile(title, href) {
    const value = h('strong', {}, '–'), note = h('small', {});
    const t = h(href ? 'a' : 'div', { class: 'tile', href }, h('span', {}, title), value, note);
    t.set = (v, n = '') => { value.textContent = v; note.textContent = n; };
    return t;
}

function topDrops(live) {
    const all = Object.entries(live.drops).sort((a, b) => b[1] - a[1]).slice(0, 6);
    if (!all.length) return [h('p', { class: 'none' }, 'Nothing has been dropped.')];
    const most = all[0][1];
    return all.map(([reason, n]) => {
        const bar = h('i', { 'aria-hidden': 'true' });
        bar.style.width = `${Math.max(2, 100 * n / most)}%`;
        return h('p', { class: 'bar' }, bar, h('span', {}, reason.replaceAll('_', ' ')), h('b', {}, number(n)));
    });
}

export function overview(main) {
    const devices = tile('Devices', '#/devices'), online = tile('Connected', '#/devices?online=yes'), tunnels = tile('Tunnels here'), lost = tile('Drops');
    const traffic = chart([{ name: 'in', title: 'from devices', rates: into }, { name: 'out', title: 'to devices', rates: out }], 'Traffic through the tunnels');
    const reasons = h('div', { class: 'bars' }), recent = h('ol', { class: 'events', 'aria-label': 'What happened lately' }), note = h('p', { class: 'note', hidden: true });
    main.replaceChildren(h('h1', { class: 'sr' }, 'Overview'),
        h('section', { class: 'tiles', 'aria-label': 'The fleet in numbers' }, devices, online, tunnels, lost), note,
        h('section', { class: 'card' }, h('h2', {}, 'Traffic'), traffic),
        h('div', { class: 'two' },
            h('section', { class: 'card' }, h('h2', {}, 'Lately', h('a', { href: '#/events' }, 'All events')), recent),
            h('section', { class: 'card' }, h('h2', {}, 'Drops and failures by reason'), reasons)));

    let timer = 0, gone = false;
    async function look() {
        try {
            const o = await get('/overview'), n = o.devices;
            if (gone) return;
            document.getElementById('gateway').textContent = o.gateway || '';
            devices.set(number(n.all), [n.suspended && `${number(n.suspended)} suspended`, n.revoked && `${number(n.revoked)} revoked`, n.never_seen && `${number(n.never_seen)} never seen`].filter(Boolean).join(', ') || 'all active');
            online.set(number(n.online), n.all ? `${(100 * n.online / n.all).toFixed(n.online < n.all && n.online * 1000 > n.all * 995 ? 2 : 0)} % of all` : '');
            if (o.live && o.live.is_there) show(o.live);
            note.hidden = !o.live || o.live.is_there;
            note.textContent = note.hidden ? '' : `No live figures: ${o.live.why}.`;
        } catch (e) {
            if (!gone) { note.hidden = false; note.textContent = e.message; }
        }
        if (!gone) timer = setTimeout(look, EACH_MS);
    }
    function show(live) {
        into.add(live.bytes_in, live.at_ms);
        out.add(live.bytes_out, live.at_ms);
        const sum = Object.values(live.drops).reduce((a, b) => a + b, 0);
        drops.add(sum, live.at_ms);
        tunnels.set(number(live.tunnels), live.half_open ? `${number(live.half_open)} half open` : `${size(live.bytes_in + live.bytes_out)} since the start`);
        lost.set(number(sum), `${drops.now.toFixed(drops.now < 10 ? 1 : 0)} a second`);
        reasons.replaceChildren(...topDrops(live));
        traffic.draw();
    }
    look();
    const deaf = rows(recent, { limit: 8 });
    return () => { gone = true; clearTimeout(timer); deaf(); };
}
