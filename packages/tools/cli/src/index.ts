export {
  defineConfig,
  type GenerateTarget,
  type OperableRetention,
  type OperableSystem,
  type TenantryConfig,
} from './config.ts'
