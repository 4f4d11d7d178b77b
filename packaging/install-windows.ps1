<#
.SYNOPSIS
Installs or removes the InfiniService guest agent. Running it again upgrades; an existing configuration is kept.
.DESCRIPTION
Installs the agent from this script's directory to C:\Program Files\Infinibay and starts it as the service InfiniService.
The program itself creates the service, its event source and the access lists: infiniservice.exe service install
.PARAMETER VmId
Name of this machine, reported to the host; written to the configuration.
.PARAMETER AskSecret
Ask for the secret with which the host signs; it is written to the configuration, which only SYSTEM and Administrators may read.
.PARAMETER SecretFile
File whose first line is that secret, for unattended installations. Delete it afterwards.
.PARAMETER SharedSecret
The same as a SecureString, for scripts. It is not a plain string, because PowerShell keeps command lines in its history and its log.
.PARAMETER ServiceMode
native (the default), or normal, as Infinibay's host calls this script: with the host's profile, with the secret of the variable
INFINISERVICE_SHARED_SECRET, and without an older secret if there is no such variable.
.PARAMETER NoStart
Do not start the service now; it starts with the system.
.PARAMETER Uninstall
Stop and remove the agent; the configuration is kept.
.PARAMETER Purge
With -Uninstall: remove configuration and log, too.
#>
[CmdletBinding(DefaultParameterSetName = 'Install')]
param(
    [Parameter(ParameterSetName = 'Install')] [string] $VmId,
    [Parameter(ParameterSetName = 'Install')] [switch] $AskSecret,
    [Parameter(ParameterSetName = 'Install')] [string] $SecretFile,
    [Parameter(ParameterSetName = 'Install')] [Security.SecureString] $SharedSecret,
    [Parameter(ParameterSetName = 'Install')] [ValidateSet('native', 'normal')] [string] $ServiceMode = 'native',
    [Parameter(ParameterSetName = 'Install')] [switch] $NoStart,
    [Parameter(ParameterSetName = 'Uninstall', Mandatory = $true)] [switch] $Uninstall,
    [Parameter(ParameterSetName = 'Uninstall')] [switch] $Purge
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$directory = Join-Path ([Environment]::GetFolderPath('ProgramFiles')) 'Infinibay'
$program = Join-Path $directory 'infiniservice.exe'
$configuration = Join-Path ([Environment]::GetFolderPath('CommonApplicationData')) 'InfiniService'

function Assert-Administrator {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal($identity)
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        throw 'Run this as administrator.'
    }
}

# Runs the program's own "service ..."; its output is passed on, and a failure ends the script.
function Invoke-Service {
    & $program service @args
    if ($LASTEXITCODE -ne 0) { throw "infiniservice.exe service $($args[0]) failed with exit code $LASTEXITCODE." }
}

function Test-Service {
    return $null -ne (Get-Service -Name 'InfiniService' -ErrorAction SilentlyContinue)
}

# The secret for the program, or an empty string if none was requested.
function Get-Secret {
    if ($AskSecret) { $entered = Read-Host -Prompt 'Shared secret' -AsSecureString }
    elseif ($SharedSecret) { $entered = $SharedSecret }
    elseif ($SecretFile) { return [string](Get-Content -LiteralPath $SecretFile -TotalCount 1) }
    elseif ($ServiceMode -eq 'normal') { return [string]$env:INFINISERVICE_SHARED_SECRET }
    else { return '' }
    return (New-Object Net.NetworkCredential('', $entered)).Password
}

function Install-Agent {
    $new = Join-Path $PSScriptRoot 'infiniservice.exe'
    if (-not (Test-Path -LiteralPath $new -PathType Leaf)) { throw "$new is missing: unpack the whole archive." }
    & $new --version
    if ($LASTEXITCODE -ne 0) { throw 'The program does not run here.' }
    # A running program cannot be replaced.
    if ((Test-Service) -and (Test-Path -LiteralPath $program)) { Invoke-Service stop }
    New-Item -ItemType Directory -Force -Path $directory | Out-Null
    foreach ($file in 'infiniservice.exe', 'infinictl.exe') {
        $from = Join-Path $PSScriptRoot $file
        if (Test-Path -LiteralPath $from) { Copy-Item -LiteralPath $from -Destination $directory -Force }
    }
    $arguments = @('install')
    $name = $VmId
    if (-not $name) { $name = $env:INFINIBAY_VM_ID }
    if ($name) { $arguments += @('--vm-id', $name) }
    $secret = Get-Secret
    if ($secret) { $arguments += '--save-secret' }
    if ($ServiceMode -eq 'normal') {
        $arguments += @('--wire-profile', 'infinibay')
        if (-not $secret) { $arguments += '--forget-secret' }
    }
    # In the environment of this process and its children only: every user can read a command line.
    if ($secret) { $env:INFINISERVICE_SHARED_SECRET = $secret }
    try { Invoke-Service @arguments }
    finally { Remove-Item -Path 'Env:INFINISERVICE_SHARED_SECRET' -ErrorAction SilentlyContinue }
    if (-not $NoStart) { Invoke-Service start }
}

function Uninstall-Agent {
    if ((Test-Service) -and (Test-Path -LiteralPath $program)) { Invoke-Service uninstall }
    foreach ($file in $program, (Join-Path $directory 'infinictl.exe')) {
        if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file -Force }
    }
    # Other files there are not ours.
    if ((Test-Path -LiteralPath $directory) -and -not (Get-ChildItem -LiteralPath $directory -Force)) {
        Remove-Item -LiteralPath $directory
    }
    if ($Purge -and (Test-Path -LiteralPath $configuration)) {
        Remove-Item -LiteralPath $configuration -Recurse -Force
    }
}

Assert-Administrator
if ($Uninstall) { Uninstall-Agent } else { Install-Agent }
