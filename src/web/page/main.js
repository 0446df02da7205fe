// Login, where we are, keys.
import { deafen, listen, login, logout, may, resume, session, whenLost } from './api.js';
import { add } from './add.js';
import { device } from './device.js';
import { devices } from './devices.js';
import { events } from './events.js';
import { overview } from './overview.js';
import { h, toast } from './util.js';

const main = document.getElementById('main'), top = document.querySelector('header.top'), pulse = document.getElementById('pulse');
let leave = () => {}, searches = false; // searches: the search is what comes next

function show() {
    const [path, q = ''] = (location.hash.slice(1) || '/').split('?'), words = path.split('/').filter(Boolean), params = new URLSearchParams(q);
    const view = words[0] || 'overview';
    leave();
    leave = () => {};
    for (const a of top.querySelectorAll('[data-view]'))
        a.dataset.view === view ? a.setAttribute('aria-current', 'page') : a.removeAttribute('aria-current');
    document.title = `Culvert · ${words[1] ? decodeURIComponent(words[1]) : view}`;
    if (view === 'devices') leave = words[1] ? device(main, params, decodeURIComponent(words[1])) : devices(main, params);
    else if (view === 'events') leave = events(main, params);
    else leave = overview(main);
    if (searches) document.getElementById('search')?.focus();
    searches = false;
}

function outside(text) {
    leave();
    leave = () => {};
    deafen();
    top.hidden = true;
    document.title = 'Culvert';
    main.replaceChildren(h('div', { class: 'hello' }, h('img', { src: '/page/icon.svg', alt: '', width: 56, height: 56 }), h('h1', {}, 'culvert'), h('p', {}, text),
        h('p', {}, 'On the gateway, ', h('code', {}, 'sudo culvert web link'), ' prints a link that opens this page once.')));
}

function inside() {
    top.hidden = false;
    document.getElementById('add').hidden = !may('enrol');
    listen((on) => { pulse.className = on ? 'pulse on' : 'pulse'; pulse.setAttribute('aria-label', on ? 'Live' : 'Not connected to the gateway'); });
    show();
}

async function begin() {
    const link = location.pathname === '/login' ? location.hash.slice(1) : '';
    if (location.pathname === '/login') history.replaceState(null, '', '/'); // the secret leaves the address at once
    try {
        await (link ? login(link) : resume());
        inside();
    } catch (e) {
        outside(e.status === 401 ? 'You are not logged in.' : e.message);
    }
}

whenLost(() => outside('Your session has ended.'));
addEventListener('hashchange', () => { if (session.token) show(); });
document.getElementById('add').addEventListener('click', add);
document.getElementById('logout').addEventListener('click', async () => {
    try { await logout(); outside('You are logged out.'); } catch (e) { toast(e.message, true); }
});
addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !session.token || document.querySelector('dialog[open]') || e.target.matches('input, textarea, select')) return;
    if (e.key === '/') {
        e.preventDefault();
        const search = document.getElementById('search');
        if (search) { search.focus(); return; }
        searches = true;
        location.hash = '#/devices';
    } else if (e.key === 'n' && may('enrol')) {
        e.preventDefault();
        add();
    }
});
begin();
