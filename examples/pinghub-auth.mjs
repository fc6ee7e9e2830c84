import { createServer } from 'node:http';

const PASSWORDS = new Map([
  ['ann', 'rose'],
  ['ben', 'oak'],
]);

createServer(({ headers }, response) => {
  const [, encoded = ''] = (headers.authorization ?? '').split(' ');
  const [name, password] = Buffer.from(encoded, 'base64').toString().split(':');
  const path = headers['x-original-uri'].split('?')[0];
  const isKnown = password !== undefined && PASSWORDS.get(name) === password;
  if (isKnown && path.startsWith('/me/')) response.writeHead(204, { 'X-Rewrite': `/user/${name}/${path.slice(4)}` });
  else response.writeHead(isKnown && path.startsWith('/all/') ? 204 : 403);
  response.end();
}).listen(Number(process.argv[2] ?? 8089), '127.0.0.1', function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
