// The list of devices: pages by key, and only the rows that are seen are in the document.
import { get, hear, query } from './api.js';
import { ago, badge, h, number, size } from './util.js';

const ROW = 52, PAGE = 200, AHEAD = 12;

function row(d, index, open) {
    const cell = (name, ...c) => h('span', { role: 'cell', class: name }, ...c);
    const r = h('a', { role: 'row', class: 'row', href: `#/devices/${encodeURIComponent(d.name)}`, 'aria-rowindex': index + 2, tabindex: index === open ? 0 : -1 },
        cell('c-state', badge(d)), cell('c-name', h('b', {}, d.name), d.tags.length ? h('small', {}, d.tags.join(' ')) : null),
        cell('c-profile', d.profile || '–'), cell('c-inner', d.inner_address || d.address || '–'), cell('c-endpoint', d.endpoint || '–'),
        cell('c-traffic', d.rx_bytes + d.tx_bytes ? `${size(d.rx_bytes)} ↑  ${size(d.tx_bytes)} ↓` : '–'), cell('c-seen', d.online ? 'now' : ago(d.seen)));
    r.style.transform = `translateY(${index * ROW}px)`;
    return r;
}

class List {
    constructor(box, note) {
        this.box = box;
        this.note = note;
        this.items = [];
        this.done = this.loading = true; // until begin
        this.body = h('div', { role: 'rowgroup', class: 'rows' });
        this.box.append(this.body);
        this.box.addEventListener('scroll', () => this.draw(), { passive: true });
        this.box.addEventListener('keydown', (e) => this.key(e));
        this.resize = new ResizeObserver(() => this.draw());
        this.resize.observe(box);
        this.focus = 0;
    }
    async begin(filter) {
        this.filter = filter;
        this.items = [];
        this.next = '';
        this.done = this.loading = false;
        this.abort?.abort();
        this.box.scrollTop = 0;
        this.focus = 0;
        await this.load();
    }
    // A page may be short, or empty, and not be the last.
    async load() {
        if (this.loading || this.done) return;
        this.loading = true;
        const abort = this.abort = new AbortController();
        const want = this.items.length + PAGE;
        try {
            do {
                const p = await get(`/devices${query({ ...this.filter, limit: PAGE, after: this.next })}`, abort.signal);
                this.items.push(...p.devices);
                this.next = p.next;
                this.done = !p.next;
                this.draw();
            } while (!this.done && this.items.length < want);
        } catch (e) {
            if (e.name === 'AbortError') return;
            this.note.textContent = e.message;
            this.done = true;
        }
        this.loading = false;
        this.draw();
    }
    draw() {
        const from = Math.max(0, Math.floor(this.box.scrollTop / ROW) - AHEAD);
        const to = Math.min(this.items.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW) + AHEAD);
        this.body.style.height = `${this.items.length * ROW}px`;
        this.body.replaceChildren(...this.items.slice(from, to).map((d, i) => row(d, from + i, this.focus)));
        this.from = from;
        this.box.setAttribute('aria-rowcount', this.done ? this.items.length + 1 : -1);
        this.note.textContent = this.items.length ? `${number(this.items.length)}${this.done ? '' : ' so far'}` : this.done ? 'No device is like that.' : 'Looking …';
        if (to + 2 * AHEAD > this.items.length && !this.done && !this.loading) this.load();
    }
    key(e) {
        const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[e.key];
        if (!step || !this.items.length) return;
        e.preventDefault();
        this.focus = Math.min(this.items.length - 1, Math.max(0, this.focus + step));
        const y = this.focus * ROW;
        if (y < this.box.scrollTop) this.box.scrollTop = y;
        if (y + ROW > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = y + ROW - this.box.clientHeight;
        this.draw();
        this.body.children[this.focus - this.from]?.focus();
    }
    // One device of the list is another now.
    async refresh(name) {
        const i = this.items.findIndex((d) => d.name === name);
        if (i < 0) return;
        try {
            this.items[i] = await get(`/devices/${encodeURIComponent(name)}`);
            if (!this.body.contains(document.activeElement)) this.draw();
        } catch { /* removed meanwhile: the next search shows it */ }
    }
    end() { this.abort?.abort(); this.resize.disconnect(); }
}

function choice(label, name, params, options) {
    return h('select', { 'aria-label': label, name }, ...options.map(([value, text]) => h('option', { value, selected: value === (params.get(name) || '') }, text)));
}

export function devices(main, params) {
    const note = h('span', { class: 'count', role: 'status' });
    const search = h('input', { type: 'search', name: 'q', id: 'search', placeholder: 'Search name, identity, address, notes', 'aria-label': 'Search devices', autocomplete: 'off', value: params.get('q') || '', maxlength: 100 });
    const online = choice('Connection', 'online', params, [['', 'Connected or not'], ['yes', 'Connected'], ['no', 'Not connected'], ['never', 'Never seen']]);
    const state = choice('State', 'state', params, [['', 'Any state'], ['active', 'Active'], ['suspended', 'Suspended'], ['revoked', 'Revoked']]);
    const profile = choice('Profile', 'profile', params, [['', 'Any profile']]);
    const box = h('div', { class: 'list', role: 'table', 'aria-label': 'Devices', tabindex: 0 },
        h('div', { class: 'row head', role: 'row', 'aria-rowindex': 1 }, ...[['c-state', 'State'], ['c-name', 'Name'], ['c-profile', 'Profile'], ['c-inner', 'Address inside'], ['c-endpoint', 'Outside'], ['c-traffic', 'Traffic'], ['c-seen', 'Seen']].map(([c, t]) => h('span', { role: 'columnheader', class: c }, t))));
    const form = h('form', { class: 'filters', role: 'search', onsubmit: (e) => e.preventDefault() }, search, online, state, profile, note);
    main.replaceChildren(h('h1', { class: 'sr' }, 'Devices'), form, box);

    const list = new List(box, note);
    let timer = 0;
    const begin = () => {
        const filter = Object.fromEntries(new FormData(form));
        history.replaceState(null, '', `#/devices${query(filter)}`);
        list.begin(filter);
    };
    form.addEventListener('input', (e) => { clearTimeout(timer); timer = setTimeout(begin, e.target === search ? 180 : 0); });
    get('/profiles').then((p) => profile.append(...p.profiles.map((g) => h('option', { value: g.name, selected: g.name === params.get('profile') }, g.name)))).catch(() => {}).finally(begin);
    const deaf = hear((e) => { if (e.device) list.refresh(e.device); });
    return () => { clearTimeout(timer); deaf(); list.end(); };
}
