// A browser that signs in and watches the stream with its own EventSource; what it sees is a line of JSON each on standard output.
//
//   node session.mjs MODULES BASE KEY
//
// MODULES is the folder of the packages. It does what the lines of standard input say:
//   other URL   opens a page of another origin, which tries to sign in, to read and to watch with this browser's cookie
//   sign out    signs out
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const [modules, base, key] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, 'package.json'))('playwright-core');
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
// The pages that are there to be opened allow no connections at all.
const context = await browser.newContext({ bypassCSP: true });

async function open(url) {
  const page = await context.newPage();
  await page.goto(url);
  await page.exposeFunction('say', say);
  return page;
}

// They run in a page, where they see no other name of this file.
function watch(url) {
  const source = new EventSource(url, { withCredentials: true });
  for (const name of ['message', 'hello', 'bye']) source.addEventListener(name, (e) => window.say({ frame: name, data: e.data }));
  source.onerror = () => window.say({ frame: 'error', closed: source.readyState === EventSource.CLOSED });
}

async function attack(base, key) {
  const body = JSON.stringify({ key });
  await fetch(base + '/api/v1/session', { method: 'POST', mode: 'no-cors', credentials: 'include', body }).catch(() => {});
  await fetch(base + '/api/v1/session', { method: 'POST', mode: 'cors', credentials: 'include', body }).catch(() => {});
  return await fetch(base + '/api/v1/events', { credentials: 'include' }).then((r) => r.text(), String);
}

const page = await open(base + '/docs');
const signedIn = await page.evaluate(async (key) => {
  const answer = await fetch('/api/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }) });
  return { status: answer.status, who: await answer.json(), visible: document.cookie };
}, key);
say(signedIn);
await page.evaluate(watch, '/api/v1/events/stream');

for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line === 'sign out') {
    const left = await page.evaluate(async () => (await fetch('/api/v1/session', { method: 'DELETE' })).status);
    say({ left, cookies: (await context.cookies()).length });
  } else {
    const other = await open(line.replace('other ', ''));
    const read = await other.evaluate(`(${attack})(${JSON.stringify(base)}, ${JSON.stringify(key)})`);
    await other.evaluate(watch, base + '/api/v1/events/stream');
    say({ read });
  }
}
await browser.close();
