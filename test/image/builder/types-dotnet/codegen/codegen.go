// Package codegen has what the docker-build plugin says to Pulumi's generator of .NET SDKs. That generator is no part of what the
// plugin does, and its module isn't served everywhere.
package codegen

type CSharpPackageInfo struct {
	RespectSchemaVersion bool
	PackageReferences    map[string]string
}
