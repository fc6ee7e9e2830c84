import { describe, expect, it } from 'vitest';
import { type Refreshable, RefreshGroups } from '../../src/hold/refresh-groups.js';
import { Wheel } from '../../src/time/wheel.js';
import { ManualClock } from '../support/manual-clock.js';

class Member implements Refreshable {
  asked = 0;
  took = false;

  tookItems(): boolean {
    const { took } = this;
    this.took = false;
    return took;
  }

  askAgain(): void {
    this.asked += 1;
  }
}

function setUp(): { clock: ManualClock; wheel: Wheel; groups: RefreshGroups } {
  const clock = new ManualClock();
  const wheel = new Wheel(clock);
  return { clock, wheel, groups: new RefreshGroups(wheel) };
}

describe('the groups of streams whose link is fetched again after a while (4.10)', () => {
  it('ask every member when the time of the group has passed, again and again', () => {
    const { clock, groups } = setUp();
    const [one, two] = [new Member(), new Member()];
    groups.join('http://a/next', 60, one);
    clock.advance(30_000);
    groups.join('http://a/next', 60, two);
    clock.advance(29_000);
    expect([one.asked, two.asked]).toEqual([0, 0]);
    clock.advance(1_100);
    expect([one.asked, two.asked]).toEqual([1, 1]);
    clock.advance(60_100);
    expect([one.asked, two.asked]).toEqual([2, 2]);
  });

  it('leave out a member whose channels all had items, until the next time', () => {
    const { clock, groups } = setUp();
    const member = new Member();
    groups.join('http://a/next', 60, member);
    member.took = true;
    clock.advance(60_100);
    expect(member.asked).toBe(0);
    clock.advance(60_100);
    expect(member.asked).toBe(1);
  });

  it('are apart for each link and each time, and end with their last member', () => {
    const { clock, wheel, groups } = setUp();
    const [one, two, three] = [new Member(), new Member(), new Member()];
    groups.join('http://a/next', 10, one);
    groups.join('http://a/next', 20, two);
    groups.join('http://a/other', 10, three);
    expect(groups.size).toBe(3);
    groups.leave('http://a/other', 10, three);
    groups.leave('http://a/other', 10, three);
    clock.advance(10_100);
    expect([one.asked, two.asked, three.asked]).toEqual([1, 0, 0]);
    groups.leave('http://a/next', 10, one);
    groups.leave('http://a/next', 20, two);
    expect([groups.size, wheel.size]).toEqual([0, 0]);
  });

  it('let a member leave while the group is being asked', () => {
    const { clock, groups } = setUp();
    const late = new Member();
    const first = new Member();
    first.askAgain = () => {
      first.asked += 1;
      groups.leave('http://a/next', 1, first);
      groups.leave('http://a/next', 1, late);
    };
    groups.join('http://a/next', 1, first);
    groups.join('http://a/next', 1, late);
    clock.advance(5_000);
    expect([first.asked, late.asked]).toEqual([1, 0]);
    expect(groups.size).toBe(0);
  });

  it('take a time of 0 seconds for ten times a second', () => {
    const { clock, groups } = setUp();
    const member = new Member();
    groups.join('http://a/next', 0, member);
    clock.advance(1_000);
    expect(member.asked).toBeGreaterThanOrEqual(5);
    expect(member.asked).toBeLessThanOrEqual(10);
  });
});
