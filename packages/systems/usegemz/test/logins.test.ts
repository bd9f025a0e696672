/** As a host runs it: an owner that is no superuser migrates, and the application has a login that owns nothing. */
import { connect } from '@tenantry/core'
import { createTestDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { expect, test } from 'vitest'
import { jobClaims, usegemz } from '../src/index.ts'
import { tiktokKeyword } from './support/creators.ts'
import { byKeyword } from './support/gems.ts'

const OWNER = `usegemz_owner_${process.pid}`
const APPLICATION = `usegemz_application_${process.pid}`

async function setup() {
  // Migrated once as whoever the server's login is, so that the roles of the cluster are there.
  const migrated = await createTestDatabase({ migrate: (database) => usegemz(database).migrate() })
  await migrated.close()
  const empty = await createTestDatabase()
  const { driver } = empty.database
  await driver.session((session) =>
    session.script(`
      create role ${OWNER} login createrole password 'x';
      create role ${APPLICATION} login password 'x';
      grant tenantry_tenant, tenantry_service, tenantry_definer, tenantry_retention to ${OWNER} with admin true, inherit false, set true;
      grant tenantry_tenant to ${APPLICATION} with inherit true;
      grant tenantry_service to ${APPLICATION} with inherit false, set true;
      do $$ begin execute format('alter database %I owner to ${OWNER}', current_database()); end $$;
      alter schema public owner to ${OWNER}`),
  )
  const opened: { close(): Promise<unknown> }[] = []
  return {
    async as(role: string) {
      const url = new URL(empty.url)
      url.username = role
      url.password = 'x'
      const database = await connect(url.href)
      opened.push(database)
      return usegemz(database)
    },
    async [Symbol.asyncDispose]() {
      for (const each of opened) await each.close()
      const { name } = await driver
        .query({ text: 'select current_database()', params: [] })
        .then(({ rows }) => ({ name: String(rows[0]?.[0]) }))
      await driver.session((session) =>
        session.script(`
          alter database "${name}" owner to current_user;
          reassign owned by ${OWNER} to current_user;
          drop owned by ${OWNER}, ${APPLICATION};
          drop role ${APPLICATION};
          drop role ${OWNER}`),
      )
      await empty.close()
    },
  }
}

describeOnServer('logins that are no superuser', () => {
  test('migrate, verify, run jobs, and do all that people, administrators and workers do', async () => {
    await using place = await setup()
    const owner = await place.as(OWNER)
    await owner.migrate()
    expect(await owner.verify()).toEqual([])
    expect(await owner.runJob('end trials')).toBe('0 trials whose end has come are expired')
    expect(await owner.runJob('time out scraping jobs')).toBe('0 searches whose time has passed are ended')

    const application = await place.as(APPLICATION)
    const service = application.asService()
    for (const userId of ['user_boss', 'user_ann']) {
      await service.profiles.signUp({ userId })
      await service.tenant(userId).profiles.startTrial()
    }
    await service.admins.promote('user_boss')
    const [boss, ann] = [application.as({ userId: 'user_boss' }), application.as({ userId: 'user_ann' })]
    await boss.admins.promote('user_ann')
    await boss.admins.demote('user_ann')
    const { job } = await ann.campaigns.launch({ name: 'Spring', search: byKeyword })
    const { claims } = await jobClaims.claim(application.serviceExecutor())
    for (const claim of claims) {
      await service.tenant(claim.tenant).jobs.record(claim, { creators: [tiktokKeyword()] })
      await jobClaims.finish(application.serviceExecutor(), claim)
    }
    expect(await boss.reading('user_ann').jobs.get(job.id)).toMatchObject({
      status: 'completed',
      processedResults: 1,
    })
    expect(await service.configuration.count()).toBe(6)
  })
})
