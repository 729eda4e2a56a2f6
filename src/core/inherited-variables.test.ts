import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inheritedVariables, withoutProxyTo } from './inherited-variables.ts';

test('programs get what the network asks for, and no secrets', () => {
  const network = {
    HTTPS_PROXY: 'http://proxy:3128',
    http_proxy: 'http://proxy:3128',
    ALL_PROXY: 'socks5://proxy:1080',
    NO_PROXY: '.corp',
    SSL_CERT_FILE: '/etc/corp.pem',
    REQUESTS_CA_BUNDLE: '/etc/corp.pem',
    PIP_INDEX_URL: 'https://pypi.corp/simple',
    PIP_CERT: '/etc/corp.pem',
    UV_INDEX_URL: 'https://pypi.corp/simple',
    XDG_CONFIG_HOME: '/home/me/.config',
    PATH: '/bin',
    OMP_NUM_THREADS: '2',
  };
  const secrets = {
    AWS_SECRET_ACCESS_KEY: 's',
    MILLRACE_DATABASE: 'postgres://me:secret@db',
    PGPASSWORD: 's',
  };
  assert.deepEqual(inheritedVariables({ ...network, ...secrets, EMPTY: undefined }), network);
});

test('a host of ours is asked for past the proxy, in both spellings', () => {
  const proxy = { HTTP_PROXY: 'http://proxy:3128' };
  const both = (hosts: string) => ({ ...proxy, no_proxy: hosts, NO_PROXY: hosts });
  assert.deepEqual(withoutProxyTo('127.0.0.1', proxy), both('127.0.0.1'));
  assert.deepEqual(withoutProxyTo('ctl', { ...proxy, NO_PROXY: '.corp, ctl' }), both('.corp,ctl'));
  assert.deepEqual(withoutProxyTo('ctl', { PATH: '/bin' }), { PATH: '/bin' });
});
