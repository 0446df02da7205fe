// What a person does on the page, and what it may not do.  Steps that something outside answers are printed as
// lines ("bundle TEXT", "suspended") and waited for.
//   node browser.js PLAYWRIGHT_DIR ORIGIN LINK_SECRET DEVICE
// SPDX-License-Identifier: Apache-2.0
const [, , lib, origin, secret, name] = process.argv;
const { chromium } = require(`${lib}/node_modules/playwright-core`);
const say = (...words) => console.log(words.join(' '));
const need = (ok, what) => { if (!ok) throw new Error(what); };
const wrong = []; // what the browser complains of

// Without a name, a control says nothing to who cannot see it.
const nameless = () => [...document.querySelectorAll('a, button, input, select, textarea, img, [role=row], svg[role=img]')].filter((e) => {
    if (!e.checkVisibility() || e.alt === '') return false;
    return !(e.getAttribute('aria-label') || e.textContent.trim() || e.alt || e.title || e.labels?.length);
}).map((e) => e.outerHTML.slice(0, 80));

(async () => {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    context.setDefaultTimeout(20000);
    const page = await context.newPage();
    page.on('console', (m) => { if (m.type() === 'error' && !/status of 40[013]/.test(m.text())) wrong.push(m.text()); });
    page.on('pageerror', (e) => wrong.push(e.message));
    page.on('request', (r) => { if (!r.url().startsWith(origin) && !r.url().startsWith('data:')) wrong.push(`asks for ${r.url()}`); });

    // ---- login: once ----
    await page.goto(`${origin}/`);
    await page.getByText('You are not logged in.').waitFor();
    await page.goto(`${origin}/login#${secret}`);
    await page.waitForSelector('.tiles');
    need(!page.url().includes(secret), 'the secret stays in the address');
    const thief = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    await thief.goto(`${origin}/login#${secret}`);
    await thief.getByText('this link has been used').waitFor();
    await thief.context().close();
    const cookies = await context.cookies();
    need(cookies.length === 1 && cookies[0].httpOnly && cookies[0].secure && cookies[0].sameSite === 'Strict', 'the cookie is not kept as it should be');
    const forged = await page.evaluate(() => fetch('/api/v1/devices/forged', { method: 'PUT', body: '{}', headers: { 'Content-Type': 'application/json' } }).then((r) => r.status));
    need(forged === 403, `a request without the page's token: ${forged}`);
    const inline = await page.evaluate(() => { window.ran = 0; const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); return window.ran; });
    need(inline === 0, 'an inline script runs');
    need(wrong.splice(0).every((w) => /Content.Security.Policy/i.test(w)), 'the browser complains');
    need((await page.evaluate(nameless)).length === 0, `without a name: ${await page.evaluate(nameless)}`);
    say('login');

    // ---- a device is added by keyboard, and enrols by what is shown ----
    await page.keyboard.press('n');
    await page.waitForSelector('dialog[open] input[name=name]');
    await page.keyboard.type(name);
    await page.keyboard.press('Enter');
    const bundle = await page.inputValue('#bundle');
    need(bundle.startsWith(`culvert://${name}:`), bundle);
    need(await page.evaluate(() => document.querySelector('.qr').naturalWidth > 0), 'no QR code');
    need((await page.evaluate(nameless)).length === 0, `without a name: ${await page.evaluate(nameless)}`);
    say('bundle', bundle);
    await page.waitForSelector('.wait.good', { timeout: 20000 });
    say('online', (await page.textContent('.wait.good')).trim());
    await page.keyboard.press('Escape');

    // ---- the list, by keyboard ----
    await page.keyboard.press('/');
    await page.waitForSelector('#search:focus');
    await page.keyboard.type(name.slice(0, 6));
    await page.waitForSelector(`.rows .row:has-text("${name}")`);
    await page.locator('.list').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.waitForSelector(`h1:has-text("${name}")`);
    await page.waitForSelector('.badge.online');
    await page.waitForSelector('.events .kind:text-is("up")');
    need((await page.evaluate(nameless)).length === 0, `without a name: ${await page.evaluate(nameless)}`);

    // ---- suspended, and back ----
    const begun = Date.now();
    await page.click('button[data-verb=suspend]');
    await page.waitForSelector('.badge.suspended');
    say('suspended', Date.now() - begun);
    await page.waitForSelector('.events .kind:text-is("down")');
    say('seen', Date.now() - begun);
    await page.click('button[data-verb=resume]');
    await page.waitForSelector('button[data-verb=suspend]');
    say('resumed');

    // ---- gone ----
    await page.click('#logout');
    await page.getByText('You are logged out.').waitFor();
    need((await page.evaluate(() => fetch('/api/v1/overview').then((r) => r.status))) === 401, 'the session outlives the logout');
    need(wrong.length === 0, wrong.join('; '));
    say('done');
    await browser.close();
})().catch((e) => { console.log('failed', e.message.split('\n').slice(0, 4).join(' '), wrong.join('; ')); process.exit(1); });
