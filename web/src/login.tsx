import { render } from 'preact';
import { LoginPage } from './login-page.tsx';
import './page.css';
import './login.css';

const root = document.getElementById('app');
if (!root) throw new Error('login.html has no element with the id app');
render(<LoginPage />, root);
