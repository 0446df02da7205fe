// The dialog that adds a device, and shows how it enrols.
import { call, get, hear } from './api.js';
import { badge, copy, h, toast, when } from './util.js';

const field = (label, input, hint) => h('label', {}, h('span', {}, label), input, hint ? h('small', {}, hint) : null);

function dialog(label, ...children) {
    const d = h('dialog', { class: 'add', 'aria-label': label, onclose: () => d.remove() }, ...children);
    document.body.append(d);
    d.showModal();
    return d;
}

// How it enrols: the bundle, its QR code, and what comes of it.
export function enrolment(name, e, into) {
    const d = into || dialog(`Enrol ${name}`);
    const command = `sudo culvert join '${e.bundle}'`, state = h('p', { class: 'wait', role: 'status' }, h('i', { class: 'spin', 'aria-hidden': 'true' }), `Waiting for ${name} …`);
    const picture = h('img', { class: 'qr', alt: `QR code of the bundle for ${name}`, width: 240, height: 240 });
    picture.src = `data:image/svg+xml;base64,${btoa(e.qr || '')}`;
    const text = h('textarea', { readonly: true, rows: 4, 'aria-label': 'The bundle', id: 'bundle', spellcheck: 'false', onfocus: (x) => x.target.select() });
    text.value = e.bundle;
    d.replaceChildren(h('h2', {}, `Enrol ${name}`),
        h('div', { class: 'enrol' }, picture, h('div', {},
            h('p', {}, 'On the device, or by its camera:'), h('code', { class: 'command' }, 'sudo culvert join ', h('b', {}, 'BUNDLE')), text,
            h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', onclick: () => copy(command) }, 'Copy command'), h('button', { type: 'button', onclick: () => copy(e.bundle) }, 'Copy bundle')),
            h('p', { class: 'fine' }, `It can be used once, until ${when(e.ends)}. Who has it can enrol as ${name}: hand it over with care. It is not shown again.`))),
        state,
        h('div', { class: 'buttons end' }, h('button', { type: 'button', onclick: () => d.close() }, 'Done')));
    let timer = 0;
    const look = async () => {
        clearTimeout(timer);
        try {
            const v = await get(`/devices/${encodeURIComponent(name)}`);
            if (v.credential.kind !== 'none' || v.online)
                state.replaceChildren(badge(v), v.online ? ` ${name} is connected${v.inner_address ? ` as ${v.inner_address}` : ''}` : ` ${name} has enrolled, and connects …`);
            if (v.online) { state.classList.add('good'); return; }
        } catch { /* the next look tells */ }
        timer = setTimeout(look, 1500);
    };
    look();
    const deaf = hear((x) => { if (x.device === name) look(); });
    d.addEventListener('close', () => { clearTimeout(timer); deaf(); });
}

export async function add() {
    const groups = await Promise.all([get('/profiles'), get('/tenants')]).catch((e) => { toast(e.message, true); return null; });
    if (!groups) return;
    const pick = (name, none, all) => h('select', { name }, h('option', { value: '' }, none), ...all.map((g) => h('option', {}, g.name)));
    const problem = h('p', { class: 'problem', role: 'alert', hidden: true }), submit = h('button', { class: 'primary', type: 'submit' }, 'Add device');
    const form = h('form', {},
        h('h2', {}, 'Add a device'),
        field('Name', h('input', { name: 'name', required: true, maxlength: 63, pattern: '[A-Za-z0-9._\\-]+', autocomplete: 'off', autofocus: true, placeholder: 'sensor-17' }), 'Letters, digits, dots, dashes'),
        h('div', { class: 'pair' }, field('Profile', pick('profile', 'None', groups[0].profiles)), field('Tenant', pick('tenant', 'None', groups[1].tenants))),
        field('Tags', h('input', { name: 'tags', autocomplete: 'off', placeholder: 'roof north' })),
        field('Notes', h('input', { name: 'notes', autocomplete: 'off' })),
        field('The code ends in', h('select', { name: 'hours' }, ...[[1, 'an hour'], [24, 'a day'], [168, 'a week'], [720, '30 days']].map(([v, t]) => h('option', { value: v, selected: v === 24 }, t)))),
        problem,
        h('div', { class: 'buttons end' }, h('button', { type: 'button', onclick: () => d.close() }, 'Cancel'), submit));
    const d = dialog('Add a device', form);
    form.addEventListener('submit', async (e) => {
        e.preventDefault();
        submit.disabled = true;
        problem.hidden = true;
        const body = Object.fromEntries([...new FormData(form)].filter(([, v]) => v !== ''));
        try {
            enrolment(body.name, (await call('POST', '/devices', body)).enrolment, d);
        } catch (x) {
            problem.textContent = x.message;
            problem.hidden = submit.disabled = false;
        }
    });
}
